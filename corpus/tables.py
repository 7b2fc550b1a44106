"""The tables, as SQLAlchemy mappings. `migrations/` makes them; a test holds the two equal.

Columns that tell of a person are `Sealed` under that person's key; digests used for look-ups are keyed HMACs.
Times are aware UTC; ids are 32 hexadecimal digits; closed sets are stored as their words.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from corpus.sealed import Sealed, SealedBytes
from corpus.words import (
    AccountId,
    ClipId,
    ConsentAct,
    ConsentMethod,
    Decision,
    DeviceId,
    KeyId,
    Outcome,
    Purpose,
    RejectReason,
    ReleaseId,
    ReleaseState,
    Role,
    Split,
    UtteranceId,
)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in, aware UTC out; refuses a naive time. SQLite keeps it as text that sorts as time does."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A time without a zone cannot be stored.")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _words(of: type[StrEnum]) -> Enum:
    return Enum(
        of,
        native_enum=False,
        create_constraint=False,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


Id = Annotated[str, mapped_column(String(32))]
Digest = Annotated[str, mapped_column(String(64))]


class Table(DeclarativeBase):
    """The base of all mapped classes."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: UtcDateTime,
        SealedBytes: Sealed,
        AccountId: String(32),
        DeviceId: String(32),
        UtteranceId: String(32),
        ClipId: String(32),
        ReleaseId: String(32),
        KeyId: String(32),
        ConsentAct: _words(ConsentAct),
        ConsentMethod: _words(ConsentMethod),
        Decision: _words(Decision),
        Outcome: _words(Outcome),
        Purpose: _words(Purpose),
        RejectReason: _words(RejectReason),
        ReleaseState: _words(ReleaseState),
        Role: _words(Role),
        Split: _words(Split),
    }


# People, devices and tokens


class Account(Table):
    """A person. Its row is what the consent gates lock."""

    __tablename__ = "accounts"

    id: Mapped[AccountId] = mapped_column(primary_key=True)
    email_lookup: Mapped[Digest | None] = mapped_column(String(64), unique=True)
    email: Mapped[SealedBytes | None]
    password_hash: Mapped[str | None] = mapped_column(String(255))
    identity_key_id: Mapped[KeyId | None]
    voice_key_id: Mapped[KeyId | None]
    failed_sign_ins: Mapped[int] = mapped_column(default=0)
    sign_in_blocked_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


class AccountRole(Table):
    """One role that an account holds."""

    __tablename__ = "account_roles"

    account_id: Mapped[AccountId] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    role: Mapped[Role] = mapped_column(primary_key=True)


class Device(Table):
    """Uploads on behalf of one account."""

    __tablename__ = "devices"

    id: Mapped[DeviceId] = mapped_column(primary_key=True)
    account_id: Mapped[AccountId] = mapped_column(ForeignKey("accounts.id"), index=True)
    name: Mapped[SealedBytes]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Token(Table):
    """A bearer token, known by a keyed digest. With a device, it speaks for that device alone."""

    __tablename__ = "tokens"

    id: Mapped[Id] = mapped_column(primary_key=True)
    account_id: Mapped[AccountId] = mapped_column(ForeignKey("accounts.id"), index=True)
    device_id: Mapped[DeviceId | None] = mapped_column(ForeignKey("devices.id"))
    lookup: Mapped[Digest] = mapped_column(unique=True)
    scopes: Mapped[str] = mapped_column(String(255), comment="scopes, parted by spaces")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


# Consent


class ConsentNotice(Table):
    """The exact text shown. Uploads that rest on it end at `uploads_until`, set when a newer version is published."""

    __tablename__ = "consent_notices"
    __table_args__ = (UniqueConstraint("version", "locale"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(String(64))
    locale: Mapped[str] = mapped_column(String(35))
    wording: Mapped[str] = mapped_column(Text)
    wording_sha256: Mapped[Digest]
    published_at: Mapped[datetime]
    uploads_until: Mapped[datetime | None]


class LedgerLeaf(Table):
    """One leaf of the append-only log: a salted commitment, and nothing of the person."""

    __tablename__ = "ledger_leaves"

    index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[Digest] = mapped_column(unique=True)


class ConsentEvent(Table):
    """One append-only fact about one purpose. Its id is its leaf's index."""

    __tablename__ = "consent_events"
    __table_args__ = (
        Index("ix_consent_events_account_id_purpose_id", "account_id", "purpose", "id"),
        CheckConstraint("expires_at IS NULL OR expires_at > at", name="expires_after_it_begins"),
    )

    id: Mapped[int] = mapped_column(ForeignKey("ledger_leaves.index"), primary_key=True, autoincrement=False)
    account_id: Mapped[AccountId] = mapped_column(ForeignKey("accounts.id"))
    purpose: Mapped[Purpose]
    act: Mapped[ConsentAct]
    at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    notice_id: Mapped[int] = mapped_column(ForeignKey("consent_notices.id"))
    method: Mapped[ConsentMethod]
    salt: Mapped[str | None] = mapped_column(String(64))


class Erasure(Table):
    """A withdrawal whose key and objects must go; unfinished while `done_at` is null, and replayed at start-up."""

    __tablename__ = "erasures"

    id: Mapped[Id] = mapped_column(primary_key=True)
    account_id: Mapped[AccountId] = mapped_column(ForeignKey("accounts.id"))
    voice_key_id: Mapped[KeyId]
    requested_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


# Voices


class Utterance(Table):
    """What a device sent: the sealed original is in the store under `object_key`."""

    __tablename__ = "utterances"
    __table_args__ = (
        UniqueConstraint("device_id", "idempotency_digest"),
        Index("ix_utterances_device_id_received_at", "device_id", "received_at"),
        CheckConstraint("captured_at <= received_at", name="captured_before_received"),
    )

    id: Mapped[UtteranceId] = mapped_column(primary_key=True)
    account_id: Mapped[AccountId] = mapped_column(ForeignKey("accounts.id"), index=True)
    device_id: Mapped[DeviceId] = mapped_column(ForeignKey("devices.id"))
    consent_event_id: Mapped[int] = mapped_column(ForeignKey("consent_events.id"))
    voice_key_id: Mapped[KeyId]
    object_key: Mapped[str] = mapped_column(String(255), unique=True)
    idempotency_digest: Mapped[Digest | None]
    body_digest: Mapped[Digest]
    size_bytes: Mapped[int]
    media_type: Mapped[str] = mapped_column(String(64))
    locale: Mapped[str] = mapped_column(String(35))
    transcript: Mapped[SealedBytes | None]
    captured_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(index=True)


class Clip(Table):
    """The curated recording made from an utterance. Its outcome is null until the whole set has been looked at."""

    __tablename__ = "clips"
    __table_args__ = (
        CheckConstraint("outcome IS NULL OR outcome = 'kept' OR reason IS NOT NULL", name="reason_given"),
        CheckConstraint("(object_key IS NULL) = (pcm_digest IS NULL)", name="digest_with_object"),
        Index("ix_clips_in_the_queue", "outcome", "reviewed_at", "measured_at", "id"),
    )

    id: Mapped[ClipId] = mapped_column(primary_key=True)
    utterance_id: Mapped[UtteranceId] = mapped_column(ForeignKey("utterances.id"), unique=True)
    outcome: Mapped[Outcome | None]
    reason: Mapped[str | None] = mapped_column(String(64))
    object_key: Mapped[str | None] = mapped_column(String(255), unique=True)
    pcm_digest: Mapped[Digest | None] = mapped_column(String(64), index=True)
    samples: Mapped[int | None] = mapped_column(comment="at 16 kHz, mono")
    peak_dbfs: Mapped[float | None]
    rms_dbfs: Mapped[float | None]
    clipped_share: Mapped[float | None]
    measured_at: Mapped[datetime]
    reviewed_at: Mapped[datetime | None]
    leased_by: Mapped[AccountId | None] = mapped_column(ForeignKey("accounts.id"))
    leased_until: Mapped[datetime | None]


class Verdict(Table):
    """One stage's outcome for a clip."""

    __tablename__ = "verdicts"
    __table_args__ = (CheckConstraint("outcome = 'kept' OR reason IS NOT NULL", name="reason_given"),)

    clip_id: Mapped[ClipId] = mapped_column(ForeignKey("clips.id"), primary_key=True)
    stage: Mapped[str] = mapped_column(String(32), primary_key=True)
    stage_version: Mapped[int] = mapped_column(primary_key=True)
    outcome: Mapped[Outcome]
    reason: Mapped[str | None] = mapped_column(String(64))
    at: Mapped[datetime]


class Hypothesis(Table):
    """What a recogniser, or the device itself, heard."""

    __tablename__ = "hypotheses"

    clip_id: Mapped[ClipId] = mapped_column(ForeignKey("clips.id"), primary_key=True)
    recogniser: Mapped[str] = mapped_column(String(64), primary_key=True)
    text: Mapped[SealedBytes]
    confidence: Mapped[float | None] = mapped_column(comment="mean token probability, 0 to 1")
    at: Mapped[datetime]


class Review(Table):
    """One curator's judgement of one clip."""

    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("clip_id", "curator_id"),
        CheckConstraint("(decision = 'reject') = (reason IS NOT NULL)", name="a_rejection_has_a_reason"),
        CheckConstraint("(decision = 'accept') = (transcript IS NOT NULL)", name="an_acceptance_has_a_transcript"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    clip_id: Mapped[ClipId] = mapped_column(ForeignKey("clips.id"))
    curator_id: Mapped[AccountId] = mapped_column(ForeignKey("accounts.id"))
    decision: Mapped[Decision]
    reason: Mapped[RejectReason | None]
    transcript: Mapped[SealedBytes | None]
    at: Mapped[datetime]


class Label(Table):
    """The transcript that a clip ends with."""

    __tablename__ = "labels"

    clip_id: Mapped[ClipId] = mapped_column(ForeignKey("clips.id"), primary_key=True)
    transcript: Mapped[SealedBytes]
    source: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime]


# Releases


class Release(Table):
    """One version of a dataset."""

    __tablename__ = "releases"
    __table_args__ = (UniqueConstraint("name", "version"),)

    id: Mapped[ReleaseId] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    version: Mapped[str] = mapped_column(String(64))
    state: Mapped[ReleaseState]
    policy: Mapped[str] = mapped_column(Text, comment="canonical JSON")
    left_out: Mapped[str] = mapped_column(
        Text, default="{}", server_default="{}", comment="canonical JSON: reason to number of clips"
    )
    snapshot_at: Mapped[datetime]
    built_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    manifest_sha256: Mapped[Digest | None]


class ReleaseClip(Table):
    """One clip as it stands in one release."""

    __tablename__ = "release_clips"
    __table_args__ = (UniqueConstraint("release_id", "wav_filename"),)

    release_id: Mapped[ReleaseId] = mapped_column(ForeignKey("releases.id"), primary_key=True)
    clip_id: Mapped[ClipId] = mapped_column(ForeignKey("clips.id"), primary_key=True)
    wav_filename: Mapped[str] = mapped_column(String(255))
    speaker: Mapped[str] = mapped_column(String(64))
    split: Mapped[Split]
    shard: Mapped[str] = mapped_column(String(64))


class SplitAssignment(Table):
    """The split in which a speaker first stood in releases of this name, and stays."""

    __tablename__ = "split_assignments"

    release_name: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[AccountId] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    split: Mapped[Split]
