"""What a person chose to tell of themselves: coarse, each field on its own, changed and removed at will.

Kept only while `demographics` is in force, sealed under the voice key. Nothing of it leaves in any release yet.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from corpus.collaborators import Collaborators
from corpus.consent import NEEDS, in_force
from corpus.errors import BadRequest, ConsentNotGiven, KeyDestroyed
from corpus.keys import AccountKey, KeyKind
from corpus.queries import consent_facts, lock_account
from corpus.sealed import place
from corpus.words import AccountId, Purpose
from ingest import queries
from ingest.own import queries as own


class AgeBand(StrEnum):
    """How old, in four bands: only adults lend a voice."""

    FROM_18 = "18_29"
    FROM_30 = "30_44"
    FROM_45 = "45_59"
    FROM_60 = "60_or_older"


class Gender(StrEnum):
    """As the person says it themselves."""

    WOMAN = "woman"
    MAN = "man"
    ANOTHER = "another"


class Accent(StrEnum):
    """The part of the world whose way of speaking one has: nothing finer would stay coarse."""

    AFRICA = "africa"
    CARIBBEAN = "caribbean"
    CENTRAL_AND_SOUTH_AMERICA = "central_and_south_america"
    EAST_ASIA = "east_asia"
    EUROPE = "europe"
    BRITAIN_AND_IRELAND = "britain_and_ireland"
    MIDDLE_EAST = "middle_east"
    NORTH_AMERICA = "north_america"
    OCEANIA = "oceania"
    SOUTH_ASIA = "south_asia"
    SOUTHEAST_ASIA = "southeast_asia"


class Field(StrEnum):
    """What may be told. Named as its column is."""

    AGE_BAND = "age_band"
    GENDER = "gender"
    ACCENT = "accent"


ANSWERS: dict[Field, tuple[StrEnum, ...]] = {
    Field.AGE_BAND: tuple(AgeBand),
    Field.GENDER: tuple(Gender),
    Field.ACCENT: tuple(Accent),
}
"""The closed set that each field takes its answer from."""


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
    answers = {Field(each): key.open(value, _place(Field(each), account_id)).decode() for each, value in sealed.items()}
    return Told(may_tell, answers)


def tell(house: Collaborators, account_id: AccountId, field: Field, answer: str | None) -> None:
    """Keeps an answer, in place of the one before; None removes it. Raises `BadRequest` or `ConsentNotGiven`."""
    if answer is not None and answer not in ANSWERS[field]:
        raise BadRequest("That is none of the answers.")
    key = None if answer is None else _voice_key(house, account_id)
    sealed = key.seal(answer.encode(), _place(field, account_id)) if key and answer else None
    with house.database.writing() as session:
        account = lock_account(session, account_id)
        if not _may_tell(session, house, account_id) or (key and key.key_id != account.voice_key_id):
            raise ConsentNotGiven("Nothing of this kind is kept, because you have not agreed to it.")
        own.keep_demographic(session, account_id, field.value, sealed, house.clock())


def _may_tell(session: Session, house: Collaborators, account_id: AccountId) -> bool:
    facts = consent_facts(session, account_id)
    return all(in_force(facts, needed, house.clock()) for needed in NEEDS[Purpose.DEMOGRAPHICS])


def _place(field: Field, account_id: AccountId) -> str:
    return place(f"demographics.{field.value}", account_id)


def _voice_key(house: Collaborators, account_id: AccountId) -> AccountKey:
    with house.database.reading() as session:
        key_id = queries.voice_key_id(session, account_id)
    if key_id is None:
        raise KeyDestroyed
    return house.keyring.unwrap(account_id, key_id, KeyKind.VOICE)
