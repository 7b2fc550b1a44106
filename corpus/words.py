"""The words of the house: ids and closed sets, one word for one thing everywhere.

ARCHITECTURE.md has the glossary.
"""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import NewType

AccountId = NewType("AccountId", str)
DeviceId = NewType("DeviceId", str)
UtteranceId = NewType("UtteranceId", str)
ClipId = NewType("ClipId", str)
ReleaseId = NewType("ReleaseId", str)
KeyId = NewType("KeyId", str)
"""Names one account key. Ids are 32 lower-case hexadecimal digits (a random UUID)."""

Clock = Callable[[], datetime]
"""Returns the time now, aware, in UTC."""


def new_id() -> str:
    """A random UUID as 32 hexadecimal digits."""
    return uuid.uuid4().hex


def utc_now() -> datetime:
    return datetime.now(UTC)


class Purpose(StrEnum):
    """What a person may agree to, each on its own."""

    COLLECT = "collect"
    REVIEW = "review"
    PUBLISH = "publish"
    DEMOGRAPHICS = "demographics"


class ConsentAct(StrEnum):
    """What a consent event says. `given` opens a period of consent; only `renewed` can continue one."""

    GIVEN = "given"
    RENEWED = "renewed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class ConsentMethod(StrEnum):
    """How an act of consent reached us."""

    API = "api"
    PAGE = "page"
    OPERATOR = "operator"


class ConsentActor(StrEnum):
    """Who performed an act of consent."""

    SELF = "self"
    OPERATOR = "operator"


class EntryKind(StrEnum):
    """What the ledger tells of besides consent events."""

    ERASURE = "erasure"
    RELEASE = "release"
    KEY = "key"
    RESTORE = "restore"
    """Leaves whose content was lost with an older database: their hashes came back from outside."""


class ErasureKind(StrEnum):
    """How much an erasure removes."""

    PURPOSES = "purposes"
    """What rested on single purposes: releases, the review queue, demographics. The recordings stay their owner's."""
    VOICE = "voice"
    RECORDINGS = "recordings"
    ACCOUNT = "account"


class Role(StrEnum):
    """What an account may be. Everyone who lends a voice is a contributor."""

    CONTRIBUTOR = "contributor"
    CURATOR = "curator"
    STEWARD = "steward"
    ENGINEER = "engineer"
    ADMIN = "admin"


class Scope(StrEnum):
    """What a token is good for."""

    UPLOAD = "upload"
    ACCOUNT = "account"
    REVIEW = "review"
    PULL = "pull"


class Outcome(StrEnum):
    """How a clip, or a stage's look at it, ends."""

    KEPT = "kept"
    DROPPED = "dropped"
    FAILED = "failed"


class Decision(StrEnum):
    """What a curator decides of a clip."""

    ACCEPT = "accept"
    REJECT = "reject"


class RejectReason(StrEnum):
    """Why a curator rejects a clip."""

    NOT_SPEECH = "not_speech"
    UNINTELLIGIBLE = "unintelligible"
    CUT_OFF = "cut_off"
    WRONG_LANGUAGE = "wrong_language"
    SECOND_SPEAKER = "second_speaker"
    CHILD_OR_BYSTANDER = "child_or_bystander"
    PERSONAL_DATA = "personal_data"
    OTHER = "other"


class PersonalKind(StrEnum):
    """What sort of personal data words are, the surest to recognise first."""

    EMAIL = "email"
    CARD = "card"
    ACCOUNT = "account"
    NATIONAL_ID = "national_id"
    PHONE = "phone"
    DATE_OF_BIRTH = "date_of_birth"
    ADDRESS = "address"
    NUMBER = "number"
    """A long number of whatever sort."""
    NAME = "name"
    PLACE = "place"
    OTHER = "other"
    """What a curator marked."""


class SpanState(StrEnum):
    """How words that may be personal data stand."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"


class Split(StrEnum):
    """The three parts of a release."""

    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


class ReleaseState(StrEnum):
    """The life of a release version."""

    DRAFT = "draft"
    CURRENT = "current"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"


class TombstoneReason(StrEnum):
    """Why a released clip was withdrawn, as coarsely as can be: the world reads it."""

    WITHDRAWN = "withdrawn"
    """Its owner took it back, alone or with all else."""
    EXPIRED = "expired"
    """The consent that it rested on ran out."""
