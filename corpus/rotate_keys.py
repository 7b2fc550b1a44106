"""Rotates the signing key, and the key that wraps account keys. What was interrupted is completed by doing it again.

Nothing that was sealed or signed is made anew: account keys are wrapped anew, and old signatures stay good. A new
signing key is endorsed by the one before it, so whoever pinned that one follows; unless that one is lost or has leaked.
The digests that look-ups and pseudonyms are made of never change: their secret cannot be rotated.
"""

from dataclasses import replace
from os import urandom
from pathlib import Path

import structlog

from corpus import head_copies, ledger_queries
from corpus.collaborators import Collaborators
from corpus.errors import UnknownAccount
from corpus.keys import MasterKey
from corpus.queries import lock_account
from corpus.secret_files import move_secret, read_secret, write_secret
from corpus.signing import SECRET_BYTES, Signer
from corpus.words import AccountId, KeyId

_log = structlog.get_logger()


def next_signing_key(path: Path) -> Path:
    """Where the new key waits until the ledger knows it."""
    return path.with_name(f"{path.name}.next")


def prepare_signing_key(path: Path) -> Signer:
    """The new key: the one that waits from an earlier try, or one made now."""
    waiting = next_signing_key(path)
    if not waiting.exists():
        write_secret(waiting, urandom(SECRET_BYTES))
    return Signer(read_secret(waiting, "new signing key"))


def rotate_signing_key(house: Collaborators, path: Path, *, lost: bool = False) -> str:
    """Returns the new public key, 64 hexadecimal digits.

    With `lost`, the old one endorses nothing and signs no more: whoever pinned it must pin the new one by hand.
    """
    new = prepare_signing_key(path)
    with house.database.writing() as session:
        ledger_queries.add_key(session, new if lost else house.signer, new, house.clock())
    renewed = replace(house, signer=new)
    head_copies.copy_keys(renewed)
    head_copies.copy_heads(renewed)
    move_secret(next_signing_key(path), path)
    return new.public_key.hex()


def rotate_master_key(house: Collaborators) -> int:
    """Wraps every account key in a new wrapping key; returns how many. A rotation left unfinished is finished first.

    Servers may go on: they read the file again for a key that they do not find. Older generations stay in the file.
    """
    path = house.settings.resolved_master_key_file()
    keyring, wrapped = house.keyring.with_master(MasterKey.read(path)), 0
    if not keyring.behind():
        keyring = keyring.with_master(MasterKey.rotate(path))

    def is_named(account_id: AccountId, key_id: KeyId) -> bool:
        with house.database.writing() as session:
            try:
                account = lock_account(session, account_id)
            except UnknownAccount:
                return False
            return key_id in (account.voice_key_id, account.identity_key_id)

    for account_id, key_id, generation in keyring.behind():
        wrapped += keyring.wrap_anew(account_id, key_id, generation, is_named)
    left = len(keyring.behind())
    if left:
        _log.info("keys that no row names stay as they are: the sweep's, or an account being made", keys=left)
    return wrapped
