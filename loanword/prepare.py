"""Prepares a home: the schema brought up to date, and its master and signing keys where there never were any."""

import structlog

from corpus import database
from corpus.database import Database
from corpus.errors import Misconfigured
from corpus.identity.queries import count_accounts
from corpus.keys import MasterKey
from corpus.ledger_queries import public_keys
from corpus.settings import Settings
from corpus.signing import Signer

_log = structlog.get_logger()


def prepare(settings: Settings) -> None:
    """Safe to repeat. Raises `Misconfigured` rather than make a new master key for a database that had another."""
    database.upgrade(settings.resolved_database_url())
    master, signing = settings.resolved_master_key_file(), settings.resolved_signing_key_file()
    opened = Database(settings.resolved_database_url())
    with opened.reading() as session:
        known_accounts, known_keys = count_accounts(session), public_keys(session)
    opened.close()
    if not master.exists():
        if known_accounts:
            raise Misconfigured(
                f"The master key {master} is gone, and {known_accounts} account(s) need it: restore it."
            )
        MasterKey.write_new(master)
        _log.info("made a master key: keep a copy in a safe place", path=str(master))
    if not signing.exists():
        if known_keys:
            raise Misconfigured(f"The signing key {signing} is gone: restore it, or see the runbook for a lost one.")
        Signer.write_new(signing)
        _log.info("made a signing key: keep a copy in a safe place", path=str(signing))
