"""What a person may tell of themselves: which fields, which answers, and where they stand sealed.

Coarse, each field on its own, kept only while `demographics` is in force.
"""

from collections.abc import Mapping
from enum import StrEnum

from corpus.keys import AccountKey
from corpus.sealed import SealedBytes, place
from corpus.words import AccountId


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


def stands_in(field: Field, account_id: AccountId) -> str:
    """The place that a sealed answer is bound to."""
    return place(f"demographics.{field.value}", account_id)


def opened(key: AccountKey, sealed: Mapping[Field, SealedBytes]) -> dict[Field, str]:
    """The answers, with their owner's voice key. Raises `SealBroken`."""
    return {field: key.open(value, stands_in(field, key.account_id)).decode() for field, value in sealed.items()}
