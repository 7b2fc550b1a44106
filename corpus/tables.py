"""The tables, as SQLAlchemy mappings. `migrations/` makes them; a test holds the two equal.

Columns that tell of a person are `Sealed` under that person's key; digests used for look-ups are keyed HMACs.
Times are aware UTC; ids are 32 hexadecimal digits; closed sets are stored as their words.

Every column says what it holds of a person (`Holds`) and what it goes with (`GoesWith`): erasure is driven by that, and
a test fails on a column that does not say. What hangs from an utterance by foreign keys goes with the voice.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    Index,
    MetaData,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, mapped_column
from sqlalchemy.types import TypeDecorator

from corpus.sealed import Sealed, SealedBytes
from corpus.words import (
    AccountId,
    ClipId,
    ConsentAct,
    ConsentActor,
    ConsentMethod,
    Decision,
    DeviceId,
    EntryKind,
    ErasureKind,
    KeyId,
    Outcome,
    PersonalKind,
    Purpose,
    RejectReason,
    ReleaseId,
    ReleaseState,
    Role,
    SpanState,
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


class Holds(StrEnum):
    """What a column holds of a person."""

    PERSONAL = "personal"
    """What somebody said, or who they are: sealed."""
    PSEUDONYMOUS = "pseudonymous"
    """An id or a keyed digest that leads to a person through other rows."""
    OPERATIONAL = "operational"
    """Nothing of any person."""


class GoesWith(StrEnum):
    """What a column's content goes with."""

    VOICE = "voice"
    """Gone when `collect` is withdrawn, or the recording deleted."""
    IDENTITY = "identity"
    """Gone when the account is closed."""


VOICE, IDENTITY = GoesWith.VOICE, GoesWith.IDENTITY


def personal(goes_with: GoesWith, *arguments: Any, **options: Any) -> MappedColumn[Any]:
    return _column(Holds.PERSONAL, goes_with, *arguments, **options)


def pseudonymous(goes_with: GoesWith, *arguments: Any, **options: Any) -> MappedColumn[Any]:
    return _column(Holds.PSEUDONYMOUS, goes_with, *arguments, **options)


def operational(*arguments: Any, **options: Any) -> MappedColumn[Any]:
    return _column(Holds.OPERATIONAL, None, *arguments, **options)


def _column(holds: Holds, goes_with: GoesWith | None, *arguments: Any, **options: Any) -> MappedColumn[Any]:
    return mapped_column(*arguments, info={"holds": holds, "goes_with": goes_with}, **options)


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
        ConsentActor: _words(ConsentActor),
        ConsentMethod: _words(ConsentMethod),
        Decision: _words(Decision),
        EntryKind: _words(EntryKind),
        ErasureKind: _words(ErasureKind),
        Outcome: _words(Outcome),
        PersonalKind: _words(PersonalKind),
        Purpose: _words(Purpose),
        RejectReason: _words(RejectReason),
        ReleaseState: _words(ReleaseState),
        Role: _words(Role),
        SpanState: _words(SpanState),
        Split: _words(Split),
    }


# People, devices and tokens


class Account(Table):
    """A person. Its row is what the consent gates lock."""

    __tablename__ = "accounts"

    id: Mapped[AccountId] = pseudonymous(IDENTITY, primary_key=True)
    email_lookup: Mapped[Digest | None] = pseudonymous(IDENTITY, String(64), unique=True)
    email: Mapped[SealedBytes | None] = personal(IDENTITY)
    password_hash: Mapped[str | None] = personal(IDENTITY, String(255))
    identity_key_id: Mapped[KeyId | None] = pseudonymous(IDENTITY)
    voice_key_id: Mapped[KeyId | None] = pseudonymous(VOICE)
    created_at: Mapped[datetime] = operational()


class AccountRole(Table):
    """One role that an account holds."""

    __tablename__ = "account_roles"

    account_id: Mapped[AccountId] = pseudonymous(IDENTITY, ForeignKey("accounts.id"), primary_key=True)
    role: Mapped[Role] = operational(primary_key=True)


class Device(Table):
    """Uploads on behalf of one account."""

    __tablename__ = "devices"

    id: Mapped[DeviceId] = pseudonymous(IDENTITY, primary_key=True)
    account_id: Mapped[AccountId] = pseudonymous(IDENTITY, ForeignKey("accounts.id"), index=True)
    name: Mapped[SealedBytes] = personal(IDENTITY)
    created_at: Mapped[datetime] = operational()
    revoked_at: Mapped[datetime | None] = operational()


class Token(Table):
    """A bearer token, known by a keyed digest. With a device, it speaks for that device alone."""

    __tablename__ = "tokens"

    id: Mapped[Id] = pseudonymous(IDENTITY, primary_key=True)
    account_id: Mapped[AccountId] = pseudonymous(IDENTITY, ForeignKey("accounts.id"), index=True)
    device_id: Mapped[DeviceId | None] = pseudonymous(IDENTITY, ForeignKey("devices.id"))
    lookup: Mapped[Digest] = pseudonymous(IDENTITY, unique=True)
    scopes: Mapped[str] = operational(String(255), comment="scopes, parted by spaces")
    created_at: Mapped[datetime] = operational()
    expires_at: Mapped[datetime | None] = operational()
    revoked_at: Mapped[datetime | None] = operational()


class SignInLink(Table):
    """A one-time way in that an operator printed for somebody."""

    __tablename__ = "sign_in_links"

    id: Mapped[Id] = pseudonymous(IDENTITY, primary_key=True)
    account_id: Mapped[AccountId] = pseudonymous(IDENTITY, ForeignKey("accounts.id"))
    lookup: Mapped[Digest] = pseudonymous(IDENTITY, unique=True)
    created_at: Mapped[datetime] = operational()
    expires_at: Mapped[datetime] = operational()
    used_at: Mapped[datetime | None] = operational()


class ExternalIdentity(Table):
    """An account as an OpenID provider knows it, by a keyed digest of issuer and subject."""

    __tablename__ = "external_identities"

    lookup: Mapped[Digest] = pseudonymous(IDENTITY, primary_key=True)
    account_id: Mapped[AccountId] = pseudonymous(IDENTITY, ForeignKey("accounts.id"))
    created_at: Mapped[datetime] = operational()


class FailedAttempt(Table):
    """How often somebody guessed wrong of late: a password, or the code of a device. Forgotten within the hour.

    Kept for addresses that nobody has, too: what we answer must not tell whether there is such an account. The digest
    is under a label of its own, so that it leads to no other row.
    """

    __tablename__ = "failed_attempts"

    lookup: Mapped[Digest] = operational(
        primary_key=True, comment="of what is counted: an address, an account, a client, or all of them"
    )
    failures: Mapped[int] = operational()
    forgotten_at: Mapped[datetime] = operational(index=True)


class Pairing(Table):
    """A device that waits for somebody to type the code that it shows (RFC 8628)."""

    __tablename__ = "pairings"

    id: Mapped[Id] = operational(primary_key=True)
    code_lookup: Mapped[Digest] = operational(unique=True, comment="of the code that the device shows")
    device_code_lookup: Mapped[Digest] = operational(unique=True, comment="of the secret that the device polls with")
    created_at: Mapped[datetime] = operational()
    expires_at: Mapped[datetime] = operational()
    polled_at: Mapped[datetime | None] = operational()
    device_id: Mapped[DeviceId | None] = pseudonymous(IDENTITY, ForeignKey("devices.id"), comment="once approved")
    collected_at: Mapped[datetime | None] = operational(comment="when its token was handed over, once")


# Consent


class ConsentNotice(Table):
    """The exact text shown. Uploads that rest on it end at `uploads_until`, set when a newer version is published."""

    __tablename__ = "consent_notices"
    __table_args__ = (UniqueConstraint("version", "locale"),)

    id: Mapped[int] = operational(primary_key=True)
    version: Mapped[str] = operational(String(64))
    locale: Mapped[str] = operational(String(35))
    wording: Mapped[str] = operational(Text)
    wording_sha256: Mapped[Digest] = operational()
    terms: Mapped[str] = operational(
        Text,
        default="{}",
        server_default="{}",
        comment="canonical JSON: what was stated of controller, recipients, retention, withdrawal",
    )
    published_at: Mapped[datetime] = operational()
    uploads_until: Mapped[datetime | None] = operational()


class LedgerLeaf(Table):
    """One leaf of the append-only log: a salted commitment, and nothing of the person."""

    __tablename__ = "ledger_leaves"

    index: Mapped[int] = operational(primary_key=True, autoincrement=False)
    hash: Mapped[Digest] = operational(unique=True)


class LedgerEntry(Table):
    """What a leaf that is no consent event commits to: nothing of any person. Its id is its leaf's index."""

    __tablename__ = "ledger_entries"

    id: Mapped[int] = operational(ForeignKey("ledger_leaves.index"), primary_key=True, autoincrement=False)
    kind: Mapped[EntryKind] = operational()
    content: Mapped[str] = operational(Text, comment="canonical JSON")
    salt: Mapped[str] = operational(String(64))


class SigningKey(Table):
    """A public key that signs, or signed, in our name; each but the first is endorsed by the one before it."""

    __tablename__ = "signing_keys"

    key_id: Mapped[str] = operational(String(16), primary_key=True)
    public_key: Mapped[str] = operational(String(64), comment="raw Ed25519, as hexadecimal digits", unique=True)
    created_at: Mapped[datetime] = operational()
    endorsement: Mapped[str | None] = operational(Text, comment="signed JSON of the key before; null for the first")


class TreeHead(Table):
    """The log as it stood after one append, signed in the same transaction."""

    __tablename__ = "tree_heads"
    __table_args__ = (
        Index(
            "ix_tree_heads_to_copy",
            "size",
            sqlite_where=text("copied_at IS NULL"),
            postgresql_where=text("copied_at IS NULL"),
        ),
    )

    size: Mapped[int] = operational(primary_key=True, autoincrement=False)
    root: Mapped[Digest] = operational()
    peaks: Mapped[str] = operational(Text, comment="roots of its complete subtrees, largest first, parted by spaces")
    at: Mapped[datetime] = operational()
    document: Mapped[str] = operational(Text, comment="the signed JSON that holds all of this")
    copied_at: Mapped[datetime | None] = operational(comment="when a copy lay outside the database")
    contested_at: Mapped[datetime | None] = operational(
        comment="when a copy outside was found to differ: nothing is appended after it"
    )


class ConsentEvent(Table):
    """One append-only fact about one purpose. Its id is its leaf's index.

    Its one permitted change is erasure: account and salt go, and the entry of the ledger that tells of it is named.
    """

    __tablename__ = "consent_events"
    __table_args__ = (
        Index("ix_consent_events_account_id_purpose_id", "account_id", "purpose", "id"),
        CheckConstraint("expires_at IS NULL OR expires_at > at", name="expires_after_it_begins"),
        CheckConstraint(
            "(account_id IS NULL) = (erased_by IS NOT NULL) AND (salt IS NULL) = (erased_by IS NOT NULL)",
            name="whole_or_erased",
        ),
    )

    id: Mapped[int] = operational(ForeignKey("ledger_leaves.index"), primary_key=True, autoincrement=False)
    account_id: Mapped[AccountId | None] = pseudonymous(IDENTITY, ForeignKey("accounts.id"))
    purpose: Mapped[Purpose] = operational()
    act: Mapped[ConsentAct] = operational()
    at: Mapped[datetime] = operational()
    expires_at: Mapped[datetime | None] = operational()
    notice_id: Mapped[int] = operational(ForeignKey("consent_notices.id"))
    method: Mapped[ConsentMethod] = operational()
    actor: Mapped[ConsentActor] = operational(server_default=ConsentActor.SELF.value)
    adult: Mapped[bool | None] = operational(comment="whether adulthood was affirmed; null where it was not asked")
    salt: Mapped[str | None] = pseudonymous(IDENTITY, String(64))
    erased_by: Mapped[int | None] = operational(ForeignKey("ledger_entries.id"))


class Erasure(Table):
    """What must go: a voice, single recordings of it, or a whole account. Replayed at start-up until `done_at` is set.

    A stated reason and the times are for the certificate and the transparency page.
    """

    __tablename__ = "erasures"
    __table_args__ = (UniqueConstraint("capability_lookup"),)

    id: Mapped[Id] = operational(primary_key=True)
    kind: Mapped[ErasureKind] = operational(server_default=ErasureKind.VOICE.value)
    account_id: Mapped[AccountId | None] = pseudonymous(IDENTITY, ForeignKey("accounts.id"))
    voice_key_id: Mapped[KeyId | None] = pseudonymous(VOICE)
    capability_lookup: Mapped[Digest | None] = operational(
        String(64), comment="of the secret in its certificate's address"
    )
    requested_at: Mapped[datetime] = operational()
    stop_took_ms: Mapped[int | None] = operational(comment="from the request to the commit that closed the gates")
    erased_at: Mapped[datetime | None] = operational(comment="when a pass over every place had left nothing")
    done_at: Mapped[datetime | None] = operational()  # when a later pass had found nothing of late writers either
    counts: Mapped[str] = operational(Text, default="{}", server_default="{}", comment="canonical JSON: what went")
    entry_id: Mapped[int | None] = operational(ForeignKey("ledger_entries.id"))
    certificate: Mapped[str | None] = operational(Text, comment="signed JSON")
    journaled_at: Mapped[datetime | None] = operational(comment="when the object store's journal had it")


class DoomedObject(Table):
    """An object that an erasure of single recordings has still to remove; their rows are gone already."""

    __tablename__ = "doomed_objects"

    object_key: Mapped[str] = pseudonymous(VOICE, String(255), primary_key=True)
    erasure_id: Mapped[Id] = operational(ForeignKey("erasures.id"), index=True)


class ErasedUpload(Table):
    """An idempotency key whose recording was deleted: a retry is told to drop it, and brings nothing back."""

    __tablename__ = "erased_uploads"

    device_id: Mapped[DeviceId] = pseudonymous(IDENTITY, ForeignKey("devices.id"), primary_key=True)
    idempotency_digest: Mapped[Digest] = pseudonymous(IDENTITY, primary_key=True)


class Demographics(Table):
    """What a person chose to tell of themselves, coarsely, each on its own; sealed under their voice key."""

    __tablename__ = "demographics"

    account_id: Mapped[AccountId] = pseudonymous(IDENTITY, ForeignKey("accounts.id"), primary_key=True)
    age_band: Mapped[SealedBytes | None] = personal(VOICE)
    gender: Mapped[SealedBytes | None] = personal(VOICE)
    accent: Mapped[SealedBytes | None] = personal(VOICE)
    updated_at: Mapped[datetime] = operational()


# Voices


class Utterance(Table):
    """What a device sent: the sealed original is in the store under `object_key`."""

    __tablename__ = "utterances"
    __table_args__ = (
        UniqueConstraint("device_id", "idempotency_digest"),
        Index("ix_utterances_device_id_received_at", "device_id", "received_at"),
        Index(
            "ix_utterances_waiting",
            "received_at",
            "id",
            sqlite_where=text("curated_at IS NULL"),
            postgresql_where=text("curated_at IS NULL"),
        ),
        CheckConstraint("captured_at <= received_at", name="captured_before_received"),
    )

    id: Mapped[UtteranceId] = pseudonymous(VOICE, primary_key=True)
    account_id: Mapped[AccountId] = pseudonymous(IDENTITY, ForeignKey("accounts.id"), index=True)
    device_id: Mapped[DeviceId] = pseudonymous(IDENTITY, ForeignKey("devices.id"))
    consent_event_id: Mapped[int] = pseudonymous(IDENTITY, ForeignKey("consent_events.id"))
    voice_key_id: Mapped[KeyId] = pseudonymous(VOICE)
    object_key: Mapped[str | None] = pseudonymous(VOICE, String(255), unique=True)  # null once its clock has run out
    idempotency_digest: Mapped[Digest | None] = pseudonymous(VOICE)
    body_digest: Mapped[Digest] = pseudonymous(VOICE)
    size_bytes: Mapped[int] = operational()
    media_type: Mapped[str] = operational(String(64))
    locale: Mapped[str] = operational(String(35))
    transcript: Mapped[SealedBytes | None] = personal(VOICE)
    captured_at: Mapped[datetime] = operational()
    received_at: Mapped[datetime] = operational(index=True)
    curated_at: Mapped[datetime | None] = operational(comment="when its clip was recorded, so that what waits is found")


class CurationLease(Table):
    """Who works on an utterance that has no clip yet, and how often somebody began and did not end."""

    __tablename__ = "curation_leases"
    __table_args__ = (CheckConstraint("(holder IS NULL) = (until IS NULL)", name="held_until"),)

    utterance_id: Mapped[UtteranceId] = pseudonymous(VOICE, ForeignKey("utterances.id"), primary_key=True)
    holder: Mapped[Id | None] = operational(String(32), comment="the batch that a run gave out; null: given back")
    until: Mapped[datetime | None] = operational(comment="renewed while its worker lives")
    attempts: Mapped[int] = operational()


class Clip(Table):
    """The curated recording made from an utterance. Its outcome is null until the whole set has been looked at."""

    __tablename__ = "clips"
    __table_args__ = (
        CheckConstraint("outcome IS NULL OR outcome = 'kept' OR reason IS NOT NULL", name="reason_given"),
        CheckConstraint("(object_key IS NULL) = (pcm_digest IS NULL)", name="digest_with_object"),
        Index("ix_clips_in_the_queue", "outcome", "reviewed_at", "measured_at", "id"),
    )

    id: Mapped[ClipId] = pseudonymous(VOICE, primary_key=True)
    utterance_id: Mapped[UtteranceId] = pseudonymous(VOICE, ForeignKey("utterances.id"), unique=True)
    outcome: Mapped[Outcome | None] = operational()
    reason: Mapped[str | None] = operational(String(64))
    object_key: Mapped[str | None] = pseudonymous(VOICE, String(255), unique=True)
    pcm_digest: Mapped[Digest | None] = pseudonymous(VOICE, String(64), index=True)
    samples: Mapped[int | None] = operational(comment="at 16 kHz, mono")
    peak_dbfs: Mapped[float | None] = operational()
    rms_dbfs: Mapped[float | None] = operational()
    clipped_share: Mapped[float | None] = operational()
    ties: Mapped[int | None] = operational(
        comment="copies beside it when it was decided; null where its set is of equal PCM alone"
    )
    measured_at: Mapped[datetime] = operational()
    ended_at: Mapped[datetime | None] = operational(
        comment="when it got the outcome that it has; null where that was as it was made"
    )
    confidence: Mapped[float | None] = operational(
        comment="that its transcript is what is said, 0 to 1; null where nothing checked it"
    )
    reviews_wanted: Mapped[int] = operational(
        default=1, server_default="1", comment="how many curators have to agree, none of whom sees another's answer"
    )
    reviewed_at: Mapped[datetime | None] = operational()
    leased_by: Mapped[AccountId | None] = pseudonymous(IDENTITY, ForeignKey("accounts.id"))
    leased_until: Mapped[datetime | None] = operational()


class Measurement(Table):
    """What was measured of a clip as it is kept, on which the stages decide. Null is what could not be measured."""

    __tablename__ = "measurements"

    clip_id: Mapped[ClipId] = pseudonymous(VOICE, ForeignKey("clips.id"), primary_key=True)
    version: Mapped[int] = operational(comment="of the measures; older ones are taken again where there is audio")
    judged_by: Mapped[str] = operational(String(16), index=True, comment="the rules that judged it last")
    trimmed_start: Mapped[int] = operational(comment="samples of silence cut off before what is measured here")
    trimmed_end: Mapped[int] = operational(comment="and after it")
    samples: Mapped[int] = operational(comment="at 16 kHz, mono")
    is_cut: Mapped[bool] = operational(comment="whether the recording went on past the decoder's limit")
    peak_dbfs: Mapped[float] = operational()
    rms_dbfs: Mapped[float] = operational()
    lufs: Mapped[float | None] = operational(comment="integrated, ITU-R BS.1770; null under 0.4 s")
    clipped_share: Mapped[float] = operational()
    dc_offset: Mapped[float] = operational(comment="full scale at 1")
    sounding_s: Mapped[float] = operational(comment="of 20 ms frames above -50 dBFS")
    sounding_dbfs: Mapped[float | None] = operational()
    snr_db: Mapped[float | None] = operational()
    bandwidth_hz: Mapped[float | None] = operational()
    hum_dbfs: Mapped[float | None] = operational()
    starts_db: Mapped[float | None] = operational(comment="the first 40 ms beside what sounds")
    ends_db: Mapped[float | None] = operational(comment="the last 40 ms beside what sounds")
    heard_s: Mapped[float | None] = operational(comment="how long a detector listened; null where none did")
    speech_s: Mapped[float | None] = operational(comment="how much of that is speech")
    dnsmos_sig: Mapped[float | None] = operational(
        comment="of the speech, 1 to 5, as DNSMOS P.835 puts it; null where it was not asked"
    )
    dnsmos_bak: Mapped[float | None] = operational(comment="of the background")
    dnsmos_ovrl: Mapped[float | None] = operational(comment="of the whole")


class Fingerprint(Table):
    """A clip that others of the same recording can be found by. Its buckets are in a table of their own."""

    __tablename__ = "fingerprints"
    __table_args__ = (
        Index(
            "ix_fingerprints_to_compare",
            "id",
            sqlite_where=text("compared_at IS NULL"),
            postgresql_where=text("compared_at IS NULL"),
        ),
    )

    id: Mapped[int] = pseudonymous(VOICE, primary_key=True, comment="short: each bucket repeats it twice")
    clip_id: Mapped[ClipId] = pseudonymous(VOICE, ForeignKey("clips.id"), unique=True)
    version: Mapped[int] = operational()
    compared_at: Mapped[datetime | None] = operational(comment="when it had been compared with all that stood then")


class FingerprintBucket(Table):
    """One hash of a fingerprint, under the master key: a dump of these says nothing of any sound."""

    __tablename__ = "fingerprint_buckets"
    __table_args__ = (
        Index("ix_fingerprint_buckets_bucket", "bucket", "fingerprint_id", "tick"),
        {"sqlite_with_rowid": False},
    )

    fingerprint_id: Mapped[int] = pseudonymous(VOICE, ForeignKey("fingerprints.id"), primary_key=True)
    bucket: Mapped[int] = pseudonymous(VOICE, primary_key=True, autoincrement=False)
    tick: Mapped[int] = pseudonymous(VOICE, SmallInteger, comment="where in the clip, in 40 ms")


class NearDuplicate(Table):
    """Two clips that were found to be the same recording, sample by sample."""

    __tablename__ = "near_duplicates"
    __table_args__ = (CheckConstraint("clip_id < other_id", name="once_a_pair"),)

    clip_id: Mapped[ClipId] = pseudonymous(VOICE, ForeignKey("clips.id"), primary_key=True)
    other_id: Mapped[ClipId] = pseudonymous(VOICE, ForeignKey("clips.id"), primary_key=True, index=True)
    version: Mapped[int] = operational(comment="of the comparison")
    coherence: Mapped[float] = operational(comment="0 to 1, over five bands")
    overlap_s: Mapped[float] = operational()
    speed: Mapped[float] = operational(comment="0.01 is one per cent")
    at: Mapped[datetime] = operational()


class Verdict(Table):
    """One stage's outcome for a clip."""

    __tablename__ = "verdicts"
    __table_args__ = (CheckConstraint("outcome = 'kept' OR reason IS NOT NULL", name="reason_given"),)

    clip_id: Mapped[ClipId] = pseudonymous(VOICE, ForeignKey("clips.id"), primary_key=True)
    stage: Mapped[str] = operational(String(32), primary_key=True)
    stage_version: Mapped[int] = operational(primary_key=True)
    outcome: Mapped[Outcome] = operational()
    reason: Mapped[str | None] = operational(String(64))
    at: Mapped[datetime] = operational()


class Hypothesis(Table):
    """What a recogniser, or the device itself, heard."""

    __tablename__ = "hypotheses"

    clip_id: Mapped[ClipId] = pseudonymous(VOICE, ForeignKey("clips.id"), primary_key=True)
    recogniser: Mapped[str] = operational(String(64), primary_key=True)
    text: Mapped[SealedBytes] = personal(VOICE)
    confidence: Mapped[float | None] = operational(comment="mean token probability, 0 to 1")
    words: Mapped[SealedBytes | None] = personal(
        VOICE, comment="JSON, [word, start_s, end_s, confidence] each; null where the recogniser does not tell"
    )
    no_speech: Mapped[float | None] = operational(comment="how probable it found that nobody speaks")
    doubt: Mapped[str | None] = operational(String(32), comment="why the text is empty")
    at: Mapped[datetime] = operational()


class Alignment(Table):
    """How well a transcript lies on the clip's audio, word by word: a check by another ear than the recogniser's."""

    __tablename__ = "alignments"

    clip_id: Mapped[ClipId] = pseudonymous(VOICE, ForeignKey("clips.id"), primary_key=True)
    version: Mapped[int] = operational(comment="of the aligner and its scores")
    score: Mapped[float] = operational(comment="nats a frame over a free loop of phones; 0 is as good as any sounds")
    worst: Mapped[float] = operational(comment="the same over the worst 0.3 s")
    words: Mapped[SealedBytes] = personal(VOICE)
    at: Mapped[datetime] = operational()


class PersonalSpan(Table):
    """Words of a clip that may be personal data, or are: its label is released only once somebody has decided.

    They are counted in the clip's hypothesis as a label has it. What was confirmed is nowhere any more, here neither.
    """

    __tablename__ = "personal_spans"
    __table_args__ = (
        CheckConstraint("first_word < stop_word", name="holds_a_word"),
        CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided_or_proposed"),
        CheckConstraint("state <> 'confirmed' OR words IS NULL", name="what_is_confirmed_is_gone"),
    )

    id: Mapped[Id] = pseudonymous(VOICE, primary_key=True)
    clip_id: Mapped[ClipId] = pseudonymous(VOICE, ForeignKey("clips.id"), index=True)
    kind: Mapped[PersonalKind] = operational()
    state: Mapped[SpanState] = operational()
    first_word: Mapped[int] = operational()
    stop_word: Mapped[int] = operational(comment="the first word after it")
    words: Mapped[SealedBytes | None] = personal(VOICE)
    found_by: Mapped[str] = operational(String(32), comment="the rule that found it, or a curator")
    at: Mapped[datetime] = operational()
    decided_by: Mapped[AccountId | None] = pseudonymous(IDENTITY, ForeignKey("accounts.id"))
    decided_at: Mapped[datetime | None] = operational()


class Review(Table):
    """One curator's judgement of one clip."""

    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("clip_id", "curator_id"),
        CheckConstraint("(decision = 'reject') = (reason IS NOT NULL)", name="a_rejection_has_a_reason"),
        CheckConstraint("(decision = 'accept') = (transcript IS NOT NULL)", name="an_acceptance_has_a_transcript"),
    )

    id: Mapped[Id] = pseudonymous(VOICE, primary_key=True)
    clip_id: Mapped[ClipId] = pseudonymous(VOICE, ForeignKey("clips.id"))
    curator_id: Mapped[AccountId | None] = pseudonymous(IDENTITY, ForeignKey("accounts.id"))  # null once they closed it
    decision: Mapped[Decision] = operational()
    reason: Mapped[RejectReason | None] = operational()
    transcript: Mapped[SealedBytes | None] = personal(VOICE)
    at: Mapped[datetime] = operational()


class Label(Table):
    """The transcript that a clip ends with."""

    __tablename__ = "labels"

    clip_id: Mapped[ClipId] = pseudonymous(VOICE, ForeignKey("clips.id"), primary_key=True)
    transcript: Mapped[SealedBytes] = personal(VOICE)
    source: Mapped[str] = operational(String(32))
    confidence: Mapped[float | None] = operational(
        comment="of the clip, where curators left its transcript as it was; null where they wrote another"
    )
    at: Mapped[datetime] = operational()


# Releases


class Release(Table):
    """One version of a dataset."""

    __tablename__ = "releases"
    __table_args__ = (UniqueConstraint("name", "version"),)

    id: Mapped[ReleaseId] = operational(primary_key=True)
    name: Mapped[str] = operational(String(64))
    version: Mapped[str] = operational(String(64))
    state: Mapped[ReleaseState] = operational()
    policy: Mapped[str] = operational(Text, comment="canonical JSON")
    left_out: Mapped[str] = operational(
        Text, default="{}", server_default="{}", comment="canonical JSON: reason to number of clips"
    )
    snapshot_at: Mapped[datetime] = operational()
    built_at: Mapped[datetime | None] = operational()
    published_at: Mapped[datetime | None] = operational()
    manifest_sha256: Mapped[Digest | None] = operational()
    revision: Mapped[int] = operational(default=1, server_default="1", comment="the one that is published")
    newest_revision: Mapped[int] = operational(
        default=1, server_default="1", comment="the last one that a re-cut began; numbers never return"
    )
    recut_at: Mapped[datetime | None] = operational(comment="when a withdrawal asked for a re-cut that is not made yet")
    recut_until: Mapped[datetime | None] = operational(comment="until when a re-cut under way keeps others away")
    clips: Mapped[int | None] = operational(comment="how many the published revision holds; null until it is built")
    consent_root: Mapped[Digest | None] = operational(String(64), comment="of the release's own tree of consent proofs")
    entry_id: Mapped[int | None] = operational(ForeignKey("ledger_entries.id"))


class ReleaseClip(Table):
    """One clip as it stands in one release."""

    __tablename__ = "release_clips"
    __table_args__ = (UniqueConstraint("release_id", "wav_filename"),)

    release_id: Mapped[ReleaseId] = operational(ForeignKey("releases.id"), primary_key=True)
    clip_id: Mapped[ClipId] = pseudonymous(VOICE, ForeignKey("clips.id"), primary_key=True, index=True)
    wav_filename: Mapped[str] = pseudonymous(VOICE, String(255))
    speaker: Mapped[str] = pseudonymous(VOICE, String(64))
    split: Mapped[Split] = operational()
    shard: Mapped[str] = operational(String(64))
    wav_sha256: Mapped[Digest | None] = pseudonymous(VOICE, String(64), comment="null until the release is built")


class ReleaseFile(Table):
    """Where a file of a release's current revision lies, and what it holds."""

    __tablename__ = "release_files"

    release_id: Mapped[ReleaseId] = operational(ForeignKey("releases.id"), primary_key=True)
    path: Mapped[str] = operational(String(255), primary_key=True)
    size_bytes: Mapped[int] = operational(BigInteger)
    sha256: Mapped[Digest] = operational()
    revision: Mapped[int] = operational(comment="the one that made it: an untouched shard is never copied")
    withdrawn_at: Mapped[datetime | None] = operational(comment="when it came to hold a voice that may not be served")


class Tombstone(Table):
    """A released clip that was withdrawn. Public: whoever pulled the clip knows its name and digest already."""

    __tablename__ = "tombstones"
    __table_args__ = (UniqueConstraint("release_name", "version", "wav_filename"),)

    id: Mapped[int] = operational(primary_key=True)
    release_name: Mapped[str] = operational(String(64))
    version: Mapped[str] = operational(String(64))
    revision: Mapped[int] = operational(comment="the last one that held the clip")
    wav_filename: Mapped[str] = operational(String(255))
    wav_sha256: Mapped[Digest] = operational()
    at: Mapped[datetime] = operational(comment="the day: a time could tell of one person")
    reason: Mapped[str] = operational(String(32))
    serial: Mapped[int] = operational(comment="of the state in which it first stood")


class ReleaseSerial(Table):
    """How often the state of a release name has changed: a client refuses to go back."""

    __tablename__ = "release_serials"

    name: Mapped[str] = operational(String(64), primary_key=True)
    serial: Mapped[int] = operational()
    document: Mapped[str] = operational(Text, default="", server_default="", comment="the signed state.json")
    copied_serial: Mapped[int] = operational(default=0, server_default="0", comment="the newest that lies in the store")


class ReleasePull(Table):
    """Who pulled what, and which tombstones they say they have applied: the register of recipients."""

    __tablename__ = "release_pulls"
    __table_args__ = (UniqueConstraint("account_id", "name", "version"),)

    id: Mapped[int] = operational(primary_key=True)
    account_id: Mapped[AccountId | None] = pseudonymous(IDENTITY, ForeignKey("accounts.id"))
    name: Mapped[str] = operational(String(64))
    version: Mapped[str] = operational(String(64))
    revision: Mapped[int] = operational()
    first_at: Mapped[datetime] = operational()
    last_at: Mapped[datetime] = operational()
    served_serial: Mapped[int | None] = operational(comment="the newest state that was sent to this account")
    acknowledged_serial: Mapped[int | None] = operational()
    acknowledged_at: Mapped[datetime | None] = operational()


class SplitAssignment(Table):
    """The split in which a speaker first stood in releases of this name, and stays."""

    __tablename__ = "split_assignments"

    release_name: Mapped[str] = operational(String(64), primary_key=True)
    account_id: Mapped[AccountId] = pseudonymous(IDENTITY, ForeignKey("accounts.id"), primary_key=True)
    split: Mapped[Split] = operational()
