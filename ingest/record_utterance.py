"""Takes an utterance in: `admit` before its body is read, `record` once it is here.

The order is the promise. Token, account and consent are asked before a byte of the body is read. Then the recording is
sealed and stored, durable; then one transaction asks consent again, under the account's lock, and adds the row. Whoever
is told 201 has an utterance that survives a power cut. Whoever is refused has left nothing behind, save where the store
failed in the very put, or the database in the very commit: nobody knows then what is there, so the object stays,
sealed, for `loanword sweep` to judge.

Both take several devices at once (`admit_each`, `record_each`): those that wait at one time share a transaction, and
each is granted or refused on its own. `record_each` is one synchronous function, run in a thread that nobody cancels: a
client that goes away splits nothing.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from corpus import consent, object_keys
from corpus.collaborators import Collaborators
from corpus.consent import ConsentFact
from corpus.errors import (
    BadMetadata,
    ConsentWithdrawn,
    DatabaseUnavailable,
    DeviceRevoked,
    IdempotencyKeyReused,
    KeyDestroyed,
    LoanwordError,
    RateLimited,
    RecordingDeleted,
    TokenOfNoDevice,
    Unauthenticated,
)
from corpus.identity import tokens
from corpus.keys import AccountKey, KeyKind
from corpus.queries import consent_facts, share_accounts
from corpus.sealed import SealedBytes, place
from corpus.words import AccountId, DeviceId, KeyId, Scope, UtteranceId, new_id
from ingest import multipart, queries
from ingest.body import Body
from ingest.erasures import queries as erasures
from ingest.metadata import Metadata, capture_time, from_fields
from ingest.queries import NewUtterance, Stored
from ingest.sniff import Container, sniff

RATE_WINDOW = timedelta(minutes=1)
LONGEST_IDEMPOTENCY_KEY = 255
_log = structlog.get_logger()

Outcome = TypeVar("Outcome")
Next = TypeVar("Next")


@dataclass(frozen=True, slots=True)
class Announced:
    """What is known of an upload before its body is read."""

    token: str | None
    metadata: Metadata
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """A device's leave to send one body, as things stood at `at`."""

    token_id: str
    account_id: AccountId
    device_id: DeviceId
    voice_key_id: KeyId
    idempotency_digest: str | None
    metadata: Metadata
    at: datetime
    earlier: Stored | None
    """What stands under the same idempotency key already."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A body that was admitted, and is here."""

    admission: Admission
    content_type: str
    body: Body


@dataclass(frozen=True, slots=True)
class Recorded:
    """The answer to an upload. `replayed` where an earlier request was answered so."""

    utterance_id: UtteranceId
    captured_at: datetime
    received_at: datetime
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Recording:
    """A body, understood."""

    admission: Admission
    content: bytes
    container: Container
    metadata: Metadata
    captured_at: datetime
    """As said, or else the time of admission: fixed once, so that no later clock can move it."""
    digest: str
    """Keyed, over the body and what was said of it: two requests are the same where this is."""


@dataclass(frozen=True, slots=True)
class Pending:
    """What goes into the store, and then waits there for its row."""

    recording: Recording
    key: AccountKey
    utterance_id: UtteranceId
    object_key: str
    transcript: SealedBytes | None


def admit(
    house: Collaborators, *, token: str | None, metadata: Metadata, idempotency_key: str | None = None
) -> Admission:
    """Whether this device may send a body now. Reads one transaction, writes nothing.

    Raises `Unauthenticated`, `Forbidden`, a `ConsentRefusal`, `RateLimited`, `BadMetadata` or `RecordingDeleted`.
    """
    return _only(admit_each(house, [Announced(token, metadata, idempotency_key)]))


def admit_each(house: Collaborators, all_announced: Sequence[Announced]) -> list[Admission | Exception]:
    """`admit`, for several devices at once: for each its admission, or its refusal."""
    return house.database.read_each([partial(_admit, house, announced) for announced in all_announced])


def _admit(house: Collaborators, announced: Announced, session: Session) -> Admission:
    now = house.clock()
    caller = tokens.caller(session, master=house.master, token=announced.token, scope=Scope.UPLOAD, now=now)
    if caller.device_id is None:
        raise TokenOfNoDevice
    captured_at = capture_time(announced.metadata.captured_at, now)
    consent.consent_for_upload(consent_facts(session, caller.account_id), captured_at, now)
    key_id = queries.voice_key_id(session, caller.account_id)
    if key_id is None:
        raise ConsentWithdrawn
    _check_rate(session, caller.device_id, house.settings.uploads_per_minute, now)
    digest = _idempotency_digest(house, caller.device_id, announced.idempotency_key)
    earlier = digest and queries.stored_under(session, caller.device_id, digest)
    if earlier is None and digest:
        _refuse_deleted(session, caller.device_id, digest)
    return Admission(
        token_id=caller.token_id,
        account_id=caller.account_id,
        device_id=caller.device_id,
        voice_key_id=key_id,
        idempotency_digest=digest,
        metadata=announced.metadata,
        at=now,
        earlier=earlier or None,
    )


def record(house: Collaborators, admission: Admission, content_type: str, body: Body) -> Recorded:
    """Stores a body that was admitted, exactly once, or raises and leaves nothing.

    Raises `DigestMismatch`, `NotAudio`, `BadBody`, `BadMetadata`, `IdempotencyKeyReused`, what `admit` raises, and
    `Transient` errors.
    """
    return _only(record_each(house, [Arrived(admission, content_type, body)]))


def record_each(house: Collaborators, all_arrived: Sequence[Arrived]) -> list[Recorded | Exception]:
    """`record`, for several bodies at once: for each its answer, or its error."""
    begun = [_attempt(_prepare_or_replay, house, arrived) for arrived in all_arrived]
    stored = _go_on(begun, partial(_store_each, house))
    return _go_on(stored, partial(_add_each, house))


def _go_on(
    outcomes: Sequence[Pending | Outcome | Exception], step: Callable[[Sequence[Pending]], Iterable[Next | Exception]]
) -> list[Next | Outcome | Exception]:
    """Those that have no answer yet take the next step, together."""
    further = iter(step([each for each in outcomes if isinstance(each, Pending)]))
    return [next(further) if isinstance(each, Pending) else each for each in outcomes]


def _store_each(house: Collaborators, all_pending: Sequence[Pending]) -> list[Pending | Exception]:
    """Puts recordings into the store, sealed and durable, with nothing yet that leads to them."""
    errors = house.vault.put_each([(each.key, each.object_key, each.recording.content) for each in all_pending])
    return [error or each for each, error in zip(all_pending, errors, strict=True)]


def _add_each(house: Collaborators, all_pending: Sequence[Pending]) -> list[Recorded | Exception]:
    additions = [_Addition(house, pending) for pending in all_pending]
    added = zip(additions, house.database.write_each(additions), strict=True)
    return [_attempt(addition.concluded, outcome) for addition, outcome in added]


def _attempt(act: Callable[..., Outcome], *arguments: object) -> Outcome | Exception:
    """What one of several comes to. Whatever goes wrong with it, the others go on."""
    try:
        return act(*arguments)
    except Exception as error:
        return error


def _only(outcomes: Sequence[Outcome | Exception]) -> Outcome:
    (outcome,) = outcomes
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _prepare_or_replay(house: Collaborators, arrived: Arrived) -> Pending | Recorded:
    recording = _understand(house, arrived)
    if arrived.admission.earlier is not None and arrived.admission.idempotency_digest is not None:
        return _replay(house, recording, arrived.admission.idempotency_digest)
    return _prepare(house, recording)


def _understand(house: Collaborators, arrived: Arrived) -> Recording:
    admission, body = arrived.admission, arrived.body
    sha256, content, metadata = body.checked_sha256(), body.content, admission.metadata
    if multipart.is_multipart(arrived.content_type, content):
        content, fields = multipart.take_apart(arrived.content_type, content)
        metadata = metadata.or_else(from_fields(fields))
    container = sniff(content)
    said = {
        "captured_at": metadata.captured_at.isoformat() if metadata.captured_at else None,
        "locale": metadata.locale,
        "transcript": metadata.transcript,
    }
    digest = house.master.digest("upload", sha256 + json.dumps(said, sort_keys=True).encode())
    captured_at = capture_time(metadata.captured_at, admission.at)
    return Recording(admission, content, container, metadata, captured_at, digest)


def _prepare(house: Collaborators, recording: Recording) -> Pending:
    account_id = recording.admission.account_id
    try:
        key = house.keyring.unwrap(account_id, recording.admission.voice_key_id, KeyKind.VOICE)
    except KeyDestroyed as error:
        raise ConsentWithdrawn from error
    utterance_id = UtteranceId(new_id())
    object_key = object_keys.new_utterance_key(account_id, key.key_id, utterance_id)
    said = recording.metadata.transcript
    transcript = key.seal(said.encode(), place("utterances.transcript", utterance_id)) if said else None
    return Pending(recording, key, utterance_id, object_key, transcript)


class _Addition:
    """Adds the row of what lies in the store: a piece of work for a transaction, and then what came of it."""

    def __init__(self, house: Collaborators, pending: Pending) -> None:
        self._house = house
        self._pending = pending
        self._may_be_there = False

    def __call__(self, session: Session) -> Recorded:
        recording = self._pending.recording
        share_accounts(session, [recording.admission.account_id])
        now = self._house.clock()
        rests_on = _still_admitted(session, recording.admission, recording.captured_at, now)
        if recording.admission.idempotency_digest is not None:
            _refuse_deleted(session, recording.admission.device_id, recording.admission.idempotency_digest)
        row = _row(self._house, self._pending, rests_on, now)
        queries.add_utterance(session, row)
        self._may_be_there = True
        return Recorded(row.id, row.captured_at, row.received_at)

    def concluded(self, outcome: Recorded | Exception) -> Recorded:
        """The answer, once the transaction has ended; or the error, with nothing left behind."""
        if isinstance(outcome, Recorded):
            return outcome
        recording, idempotency_digest = self._pending.recording, self._pending.recording.admission.idempotency_digest
        if isinstance(outcome, IntegrityError) or not self._may_be_there:
            _discard(self._house, self._pending.object_key)
        if isinstance(outcome, IntegrityError) and idempotency_digest is not None:
            return _replay(self._house, recording, idempotency_digest)
        raise outcome


def _row(house: Collaborators, pending: Pending, rests_on: ConsentFact, now: datetime) -> NewUtterance:
    recording = pending.recording
    return NewUtterance(
        id=pending.utterance_id,
        account_id=recording.admission.account_id,
        device_id=recording.admission.device_id,
        consent_event_id=rests_on.id,
        voice_key_id=recording.admission.voice_key_id,
        object_key=pending.object_key,
        idempotency_digest=recording.admission.idempotency_digest,
        body_digest=recording.digest,
        size_bytes=len(recording.content),
        media_type=recording.container.value,
        locale=recording.metadata.locale or house.settings.locale,
        transcript=pending.transcript,
        captured_at=recording.captured_at,
        received_at=max(now, recording.captured_at),
    )


def _replay(house: Collaborators, recording: Recording, idempotency_digest: str) -> Recorded:
    """The answer that this idempotency key had before, if consent still stands. Raises `IdempotencyKeyReused`."""
    admission = recording.admission
    with house.database.reading() as session:
        earlier = queries.stored_under(session, admission.device_id, idempotency_digest)
        if earlier is None:  # withdrawn and erased since: the gate says so, or else a retry finds its way
            _still_admitted(session, admission, admission.at, house.clock())
            _refuse_deleted(session, admission.device_id, idempotency_digest)
            raise DatabaseUnavailable
        _still_admitted(session, admission, earlier.captured_at, house.clock())
    if earlier.body_digest != recording.digest:
        raise IdempotencyKeyReused
    return Recorded(earlier.utterance_id, earlier.captured_at, earlier.received_at, replayed=True)


def _still_admitted(session: Session, admission: Admission, captured_at: datetime, now: datetime) -> ConsentFact:
    """The consent event that the recording rests on. Raises what `admit` raises, for all may have changed since."""
    standing = queries.standing(session, admission.token_id)
    if standing is None or standing.token_revoked_at is not None:
        raise Unauthenticated
    if standing.device_revoked_at is not None:
        raise DeviceRevoked
    if standing.token_expires_at is not None and standing.token_expires_at <= now:
        raise Unauthenticated
    rests_on = consent.consent_for_upload(consent_facts(session, admission.account_id), captured_at, now)
    if standing.voice_key_id != admission.voice_key_id:
        raise ConsentWithdrawn
    return rests_on


def _refuse_deleted(session: Session, device_id: DeviceId, idempotency_digest: str) -> None:
    """Raises `RecordingDeleted`. Under the account's lock it comes before a deletion, or after it."""
    if erasures.was_deleted(session, device_id, idempotency_digest):
        raise RecordingDeleted


def _check_rate(session: Session, device_id: DeviceId, uploads_per_minute: int, now: datetime) -> None:
    """Counts what was stored in the last minute: refused uploads cost a device nothing."""
    oldest_that_counts = queries.nth_newest_upload(session, device_id, uploads_per_minute, now - RATE_WINDOW)
    if oldest_that_counts is not None:
        raise RateLimited(oldest_that_counts + RATE_WINDOW - now)


def _idempotency_digest(house: Collaborators, device_id: DeviceId, key: str | None) -> str | None:
    if key is None:
        return None
    if not 1 <= len(key) <= LONGEST_IDEMPOTENCY_KEY or not all("!" <= letter <= "~" for letter in key):
        raise BadMetadata(f"Idempotency-Key has 1 to {LONGEST_IDEMPOTENCY_KEY} visible ASCII characters.")
    return house.master.digest("idempotency key", f"{device_id}|{key}".encode())


def _discard(house: Collaborators, object_key: str) -> None:
    """Erases what this request stored. A store that fails now leaves an orphan for the sweep; the refusal stands."""
    try:
        house.vault.erase(object_key)
    except LoanwordError as error:
        name = object_key.rpartition("/")[2]  # not whose it is
        _log.warning("a refused upload left an orphan", object=name, error=type(error).__name__)
