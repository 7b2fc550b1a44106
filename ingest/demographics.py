"""What a person chose to tell of themselves: coarse, each field on its own, changed and removed at will.

Kept only while `demographics` is in force, sealed under the voice key. Nothing of it leaves in any release yet.
"""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from corpus.collaborators import Collaborators
from corpus.consent import NEEDS, in_force
from corpus.demographics import ANSWERS, Field, opened, stands_in
from corpus.errors import BadRequest, ConsentNotGiven, KeyDestroyed
from corpus.keys import AccountKey, KeyKind
from corpus.queries import consent_facts, lock_account
from corpus.words import AccountId, Purpose
from ingest import queries
from ingest.own import queries as own


@dataclass(frozen=True, slots=True)
class Told:
    """Whether anything may be told now, and what was."""

    may_tell: bool
    answers: dict[Field, str]


def told(house: Collaborators, account_id: AccountId) -> Told:
    """Nothing, where `demographics` is not in force. Raises `KeyDestroyed` where a withdrawal has just begun."""
    with house.database.reading() as session:
        may_tell = _may_tell(session, house, account_id)
        sealed = own.demographics(session, account_id) if may_tell else {}
    if not sealed:
        return Told(may_tell, {})
    key = _voice_key(house, account_id)
    return Told(may_tell, opened(key, {Field(each): value for each, value in sealed.items()}))


def tell(house: Collaborators, account_id: AccountId, field: Field, answer: str | None) -> None:
    """Keeps an answer, in place of the one before; None removes it. Raises `BadRequest` or `ConsentNotGiven`."""
    if answer is not None and answer not in ANSWERS[field]:
        raise BadRequest("That is none of the answers.")
    key = None if answer is None else _voice_key(house, account_id)
    sealed = key.seal(answer.encode(), stands_in(field, account_id)) if key and answer else None
    with house.database.writing() as session:
        account = lock_account(session, account_id)
        if not _may_tell(session, house, account_id) or (key and key.key_id != account.voice_key_id):
            raise ConsentNotGiven("Nothing of this kind is kept, because you have not agreed to it.")
        own.keep_demographic(session, account_id, field.value, sealed, house.clock())


def _may_tell(session: Session, house: Collaborators, account_id: AccountId) -> bool:
    facts = consent_facts(session, account_id)
    return all(in_force(facts, needed, house.clock()) for needed in NEEDS[Purpose.DEMOGRAPHICS])


def _voice_key(house: Collaborators, account_id: AccountId) -> AccountKey:
    with house.database.reading() as session:
        key_id = queries.voice_key_id(session, account_id)
    if key_id is None:
        raise KeyDestroyed
    return house.keyring.unwrap(account_id, key_id, KeyKind.VOICE)
