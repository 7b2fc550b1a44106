"""Records for tests: each factory makes one valid thing, and takes by keyword what the test is about."""

import hashlib
import io
import wave
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from sqlalchemy import delete, update

from corpus import object_keys, queries
from corpus.collaborators import Collaborators
from corpus.erasure_queries import Tree
from corpus.identity import accounts, tokens
from corpus.keys import AccountKey, KeyKind
from corpus.sealed import place
from corpus.tables import Account, Clip, ConsentNotice, Device, Hypothesis, Label, Table, Utterance
from corpus.words import (
    AccountId,
    ClipId,
    ConsentAct,
    ConsentMethod,
    DeviceId,
    Outcome,
    Purpose,
    Role,
    Scope,
    UtteranceId,
    new_id,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PASSWORD = "correct horse battery"
_PASSWORD_HASH = accounts.hash_password(PASSWORD)  # slow on purpose, so once
ALL_PURPOSES = (Purpose.COLLECT, Purpose.REVIEW, Purpose.PUBLISH)


@dataclass(frozen=True, slots=True)
class Lender:
    """An account with a device and its token."""

    account_id: AccountId
    device_id: DeviceId
    device_token: str


def publish_notice(
    house: Collaborators,
    *,
    version: str = "1",
    locale: str = "en-US",
    at: datetime | None = None,
    wording: str | None = None,
) -> ConsentNotice:
    at = at or house.clock() - timedelta(days=30)
    text = wording or f"Notice {version}: we keep what your devices record, if you agree."
    notice = ConsentNotice(
        version=version,
        locale=locale,
        wording=text,
        wording_sha256=hashlib.sha256(text.encode()).hexdigest(),
        published_at=at,
    )
    with house.database.writing() as session:
        queries.publish_notice(session, notice, older_uploads_until=at + timedelta(days=30))
        return queries.notice(session, version, locale)


def make_account(house: Collaborators, *, email: str | None = None, role: Role = Role.CONTRIBUTOR) -> AccountId:
    identity = accounts.new_identity(house.keyring)
    with house.database.writing() as session:
        return accounts.add_account(
            session,
            master=house.master,
            identity=identity,
            email=email or f"{identity.account_id}@example.org",
            password_hash=_PASSWORD_HASH,
            role=role,
            now=house.clock(),
        )


def make_token(house: Collaborators, account_id: AccountId, *scopes: Scope) -> str:
    with house.database.writing() as session:
        return tokens.issue_token(session, master=house.master, account_id=account_id, scopes=scopes, now=house.clock())


def opt_in(
    house: Collaborators,
    account_id: AccountId,
    *,
    purposes: Iterable[Purpose] = ALL_PURPOSES,
    at: datetime | None = None,
    expires_at: datetime | None = None,
) -> None:
    """Consent by way of the queries alone; makes the voice key, and publishes a notice where there is none."""
    with house.database.reading() as session:
        notices = queries.current_notices(session)
    notice_id = notices[0].id if notices else publish_notice(house).id
    key_id = house.keyring.create(account_id, KeyKind.VOICE)
    with house.database.writing() as session:
        account = queries.lock_account(session, account_id)
        account.voice_key_id = account.voice_key_id or key_id
    consent_event(
        house, account_id, ConsentAct.GIVEN, purposes=purposes, at=at, expires_at=expires_at, notice_id=notice_id
    )


def consent_event(
    house: Collaborators,
    account_id: AccountId,
    act: ConsentAct,
    *,
    purposes: Iterable[Purpose] = ALL_PURPOSES,
    at: datetime | None = None,
    expires_at: datetime | None = None,
    notice_id: int = 1,
) -> None:
    """Appends the bare events, destroying no key: for tests of one gate alone."""
    at = at or house.clock() - timedelta(days=1)
    events = [
        queries.NewConsentEvent(account_id, purpose, act, at, expires_at, notice_id, ConsentMethod.API)
        for purpose in purposes
    ]
    with house.database.writing() as session:
        queries.lock_account(session, account_id)
        queries.append_consent_events(session, house.signer, events)


def withdraw_consent(house: Collaborators, account_id: AccountId, *purposes: Purpose) -> None:
    """The withdrawal's event alone: the voice key stays alive, so that only the gate can refuse."""
    consent_event(house, account_id, ConsentAct.WITHDRAWN, purposes=purposes or ALL_PURPOSES, at=house.clock())


def make_device(house: Collaborators, account_id: AccountId) -> Lender:
    device_id = DeviceId(new_id())
    key = identity_key(house, account_id)
    name = key.seal(b"kitchen", place("devices.name", device_id))
    with house.database.writing() as session:
        session.add(Device(id=device_id, account_id=account_id, name=name, created_at=house.clock()))
        session.flush()
        token = tokens.issue_token(
            session,
            master=house.master,
            account_id=account_id,
            scopes=[Scope.UPLOAD],
            device_id=device_id,
            now=house.clock(),
        )
    return Lender(account_id, device_id, token)


def make_lender(house: Collaborators, *, purposes: Iterable[Purpose] = ALL_PURPOSES) -> Lender:
    """An account that has opted in, with a device."""
    account_id = make_account(house)
    opt_in(house, account_id, purposes=purposes)
    return make_device(house, account_id)


def identity_key(house: Collaborators, account_id: AccountId) -> AccountKey:
    with house.database.reading() as session:
        key_id = session.get_one(Account, account_id).identity_key_id
    assert key_id is not None
    return house.keyring.unwrap(account_id, key_id, KeyKind.IDENTITY)


def voice_key(house: Collaborators, account_id: AccountId) -> AccountKey:
    with house.database.reading() as session:
        key_id = session.get_one(Account, account_id).voice_key_id
    assert key_id is not None
    return house.keyring.unwrap(account_id, key_id, KeyKind.VOICE)


def tone(*, duration_s: float = 1.5, frequency_hz: float = 440.0, peak: float = 0.3, rate_hz: int = 16_000) -> bytes:
    """A sine as s16le mono PCM at 16 kHz: never silent, and another for each frequency."""
    time_s = np.arange(int(duration_s * rate_hz)) / rate_hz
    return bytes((peak * 32767 * np.sin(2 * np.pi * frequency_hz * time_s)).astype("<i2").tobytes())


def melody(name: str, *, duration_s: float = 1.5) -> bytes:
    """Eight tones, as s16le mono PCM at 16 kHz: those of two names are never copies of one recording.

    Two single tones may be, for at another speed one is the other.
    """
    frequencies_hz = np.random.default_rng(list(name.encode())).uniform(200, 3_000, 8)
    return b"".join(tone(duration_s=duration_s / 8, frequency_hz=each) for each in frequencies_hz)


def wav(pcm: bytes, *, rate_hz: int = 16_000) -> bytes:
    """Mono s16le PCM in a RIFF header."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm)
    return buffer.getvalue()


def make_utterance(
    house: Collaborators,
    lender: Lender,
    *,
    body: bytes | None = None,
    transcript: str | None = "turn on the lights",
    captured_at: datetime | None = None,
    locale: str = "en-US",
) -> UtteranceId:
    """A stored utterance, its object sealed in the store; rests on the lender's first event for `collect`."""
    utterance_id = UtteranceId(new_id())
    key = voice_key(house, lender.account_id)
    object_key = object_keys.new_utterance_key(lender.account_id, key.key_id, utterance_id)
    content = wav(melody(utterance_id)) if body is None else body
    house.vault.put(key, object_key, content)
    captured_at = captured_at or house.clock() - timedelta(minutes=1)
    sealed = transcript and key.seal(transcript.encode(), place("utterances.transcript", utterance_id))
    with house.database.writing() as session:
        collect = [
            fact for fact in queries.consent_facts(session, lender.account_id) if fact.purpose is Purpose.COLLECT
        ]
        session.add(
            Utterance(
                id=utterance_id,
                account_id=lender.account_id,
                device_id=lender.device_id,
                consent_event_id=collect[0].id,
                voice_key_id=key.key_id,
                object_key=object_key,
                body_digest=house.master.digest("upload", content),
                size_bytes=len(content),
                media_type="audio/wav",
                locale=locale,
                transcript=sealed or None,
                captured_at=captured_at,
                received_at=house.clock(),
            )
        )
    return utterance_id


def make_clip(
    house: Collaborators,
    lender: Lender,
    *,
    pcm: bytes | None = None,
    label: str | None = None,
    outcome: Outcome | None = Outcome.KEPT,
    reason: str | None = None,
    transcript: str | None = "turn on the lights",
    confidence: float | None = None,
    reviews_wanted: int = 1,
) -> ClipId:
    """A measured clip with its sealed PCM; with `label`, one that a curator has accepted."""
    utterance_id = make_utterance(house, lender, transcript=transcript)
    clip_id = ClipId(new_id())
    key = voice_key(house, lender.account_id)
    object_key = object_keys.new_clip_key(lender.account_id, key.key_id, clip_id)
    content = melody(clip_id) if pcm is None else pcm
    house.vault.put(key, object_key, content)
    with house.database.writing() as session:
        session.add(
            Clip(
                id=clip_id,
                utterance_id=utterance_id,
                outcome=outcome,
                reason=reason,
                object_key=object_key,
                pcm_digest=house.master.digest("pcm", content),
                samples=len(content) // 2,
                peak_dbfs=-10.5,
                rms_dbfs=-13.5,
                clipped_share=0.0,
                confidence=confidence,
                reviews_wanted=reviews_wanted,
                measured_at=house.clock(),
            )
        )
        session.flush()
        if label is not None:
            sealed = key.seal(label.encode(), place("labels.transcript", clip_id))
            session.add(Label(clip_id=clip_id, transcript=sealed, source="review", at=house.clock()))
    return clip_id


def make_hypothesis(
    house: Collaborators,
    lender: Lender,
    clip_id: ClipId,
    text: str,
    *,
    recogniser: str = "device",
    confidence: float | None = None,
) -> None:
    sealed = voice_key(house, lender.account_id).seal(
        text.encode(), place("hypotheses.text", f"{clip_id}/{recogniser}")
    )
    with house.database.writing() as session:
        session.add(
            Hypothesis(clip_id=clip_id, recogniser=recogniser, text=sealed, confidence=confidence, at=house.clock())
        )


def forget_clips(house: Collaborators) -> None:
    """As if nothing had been curated yet: every clip's row goes with all that hangs from it, and no object."""
    clips = Tree.below(Table.metadata, Clip.__tablename__)
    with house.database.writing() as session:
        for table in (*clips.children_first(), clips.root):
            session.execute(delete(table))
        session.execute(update(Utterance).values(curated_at=None))
