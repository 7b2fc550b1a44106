"""Prepares a home: the schema brought up to date, and a master key where there never was one."""

import structlog

from corpus import database
from corpus.database import Database
from corpus.errors import Misconfigured
from corpus.identity.queries import count_accounts
from corpus.keys import MasterKey
from corpus.settings import Settings

_log = structlog.get_logger()


def prepare(settings: Settings) -> None:
    """Safe to repeat. Raises `Misconfigured` rather than make a new master key for a database that had another."""
    database.upgrade(settings.resolved_database_url())
    path = settings.resolved_master_key_file()
    if path.exists():
        return
    opened = Database(settings.resolved_database_url())
    with opened.reading() as session:
        known_accounts = count_accounts(session)
    opened.close()
    if known_accounts:
        raise Misconfigured(f"The master key {path} is gone, and {known_accounts} account(s) depend on it: restore it.")
    MasterKey.write_new(path)
    _log.info("made a master key: keep a copy in a safe place", path=str(path))
