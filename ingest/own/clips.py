"""One's own recordings: listed with all that became of each, and heard.

Whether a recording may be heard is asked before its bytes are read, and again once they are opened. A key lives for one
page, or for one recording.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from corpus.audio import RATE_HZ, wav
from corpus.collaborators import Collaborators
from corpus.consent import in_force
from corpus.errors import KeyDestroyed, NotFound, ObjectAbsent, UnknownClip
from corpus.keys import AccountKey, KeyKind
from corpus.queries import consent_facts, share_accounts
from corpus.sealed import place
from corpus.words import AccountId, ClipId, DeviceId, KeyId, Purpose, UtteranceId
from ingest.own import queries
from ingest.own.queries import Heard, Holding, Judged, OwnRow
from ingest.own.state import ClipState, Progress, state_of
from ingest.pair_device import list_devices

PER_PAGE = 12
DEVICE = "device"
"""The recogniser whose words are the device's own, which stand with the utterance as well."""


class WordsFrom(StrEnum):
    """Whose words a transcript is."""

    CURATOR = "curator"
    DEVICE = "device"
    RECOGNISER = "recogniser"


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a recording says, as far as anybody knows."""

    text: str
    source: WordsFrom


@dataclass(frozen=True, slots=True)
class OwnClip:
    """One recording, as its owner sees it."""

    utterance_id: UtteranceId
    captured_at: datetime
    received_at: datetime
    device: str
    locale: str
    media_type: str
    size_bytes: int
    duration_s: float | None
    state: ClipState
    why: str | None
    transcripts: tuple[Transcript, ...]
    """The curator's first, then the device's, then what recognisers heard."""
    releases: tuple[Holding, ...]
    has_original: bool
    has_copy: bool

    @property
    def transcript(self) -> Transcript | None:
        """The best there is."""
        return self.transcripts[0] if self.transcripts else None


@dataclass(frozen=True, slots=True)
class ClipsPage:
    """Some of one's recordings, newest first. Pages are counted from 1."""

    clips: tuple[OwnClip, ...]
    number: int
    pages: int
    total: int


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording in the clear."""

    content: bytes
    media_type: str


def clips_page(house: Collaborators, account_id: AccountId, number: int = 1) -> ClipsPage:
    """A page that there is: the nearest to the one asked for."""
    with house.database.reading() as session:
        total = queries.counts(session, account_id, house.clock()).recordings
        pages = max(1, -(-total // PER_PAGE))
        number = min(max(1, number), pages)
        offset = (number - 1) * PER_PAGE
        rows = queries.own_recordings(session, account_id, house.clock(), limit=PER_PAGE, offset=offset)
    return ClipsPage(tuple(described(house, account_id, rows)), number, pages, total)


def one_clip(house: Collaborators, account_id: AccountId, utterance_id: UtteranceId) -> OwnClip:
    """Raises `UnknownClip`."""
    with house.database.reading() as session:
        row = _usable(session, house, account_id, utterance_id)
    return described(house, account_id, [row])[0]


def described(house: Collaborators, account_id: AccountId, rows: Sequence[OwnRow]) -> list[OwnClip]:
    """What became of each recording: a few queries for all of them. Raises `KeyDestroyed`."""
    if not rows:
        return []
    clip_ids = [row.clip.id for row in rows if row.clip]
    now = house.clock()
    with house.database.reading() as session:
        facts = consent_facts(session, account_id)
        about = _About(
            judgements=queries.judgements(session, clip_ids),
            holdings=queries.holdings(session, clip_ids),
            hypotheses=queries.hypotheses(session, clip_ids),
            may_be_reviewed=in_force(facts, Purpose.REVIEW, now),
            now=now,
        )
    devices = {device.device_id: device.name for device in list_devices(house, account_id)}
    key = _voice_key(house, account_id, rows[0].utterance.voice_key_id)
    return [about.describe(row, key, devices) for row in rows]


def recording(
    house: Collaborators, account_id: AccountId, utterance_id: UtteranceId, *, original: bool = False
) -> Recording:
    """What was sent, or the copy that was prepared from it where there is one: every browser plays that.

    Raises `UnknownClip`, and `NotFound` where the original was erased by its clock.
    """
    with house.database.reading() as session:
        row = _usable(session, house, account_id, utterance_id)
    try:
        found = read(house, row, _voice_key(house, account_id, row.utterance.voice_key_id), original=original)
    except (KeyDestroyed, ObjectAbsent):
        with house.database.reading() as session:
            _usable(session, house, account_id, utterance_id)  # a withdrawal took it, or else it was lost
        raise
    still_usable(house, account_id, utterance_id)
    return found


def still_usable(house: Collaborators, account_id: AccountId, utterance_id: UtteranceId) -> None:
    """The gate, asked once more when the bytes are in hand. Raises `UnknownClip`."""
    with house.database.reading() as session:
        share_accounts(session, [account_id])
        _usable(session, house, account_id, utterance_id)


def read(house: Collaborators, row: OwnRow, key: AccountKey, *, original: bool) -> Recording:
    """Opens the object. Raises `NotFound`, `ObjectAbsent`, or `SealBroken`."""
    copy = row.clip.object_key if row.clip else None
    if copy and not original:
        return Recording(wav(house.vault.get(key, copy)), "audio/wav")
    if not row.utterance.object_key:
        raise NotFound("The original was erased when its time had come.")
    return Recording(house.vault.get(key, row.utterance.object_key), row.utterance.media_type)


@dataclass(frozen=True, slots=True)
class _About:
    """What other tables tell of some clips."""

    judgements: dict[ClipId, Judged]
    holdings: dict[ClipId, list[Holding]]
    hypotheses: dict[ClipId, list[Heard]]
    may_be_reviewed: bool
    now: datetime

    def describe(self, row: OwnRow, key: AccountKey, devices: dict[DeviceId, str]) -> OwnClip:
        utterance, clip = row.utterance, row.clip
        progress = self._progress(row)
        return OwnClip(
            utterance_id=utterance.id,
            captured_at=utterance.captured_at,
            received_at=utterance.received_at,
            device=devices.get(utterance.device_id, ""),
            locale=utterance.locale,
            media_type=utterance.media_type,
            size_bytes=utterance.size_bytes,
            duration_s=clip.samples / RATE_HZ if clip and clip.samples else None,
            state=state_of(progress),
            why=progress.why(),
            transcripts=tuple(self._transcripts(row, key)),
            releases=tuple(self.holdings.get(clip.id, ())) if clip else (),
            has_original=bool(utterance.object_key),
            has_copy=bool(clip and clip.object_key),
        )

    def _progress(self, row: OwnRow) -> Progress:
        if row.clip is None:
            return Progress(measured=False)
        judged = self.judgements.get(row.clip.id)
        return Progress(
            measured=True,
            outcome=row.clip.outcome,
            reason=row.clip.reason,
            decision=judged.decision if judged else None,
            reject_reason=judged.reason if judged else None,
            leased=row.clip.leased_until is not None and row.clip.leased_until > self.now,
            may_be_reviewed=self.may_be_reviewed,
        )

    def _transcripts(self, row: OwnRow, key: AccountKey) -> Iterator[Transcript]:
        utterance, clip = row.utterance, row.clip
        if clip and row.label:
            text = key.open(row.label, place("labels.transcript", clip.id))
            yield Transcript(text.decode(), WordsFrom.CURATOR)
        if utterance.transcript:
            text = key.open(utterance.transcript, place("utterances.transcript", utterance.id))
            yield Transcript(text.decode(), WordsFrom.DEVICE)
        for heard in self.hypotheses.get(clip.id, ()) if clip else ():
            if clip and heard.recogniser != DEVICE:
                text = key.open(heard.text, place("hypotheses.text", f"{clip.id}/{heard.recogniser}"))
                if text:
                    yield Transcript(text.decode(), WordsFrom.RECOGNISER)


def _usable(session: Session, house: Collaborators, account_id: AccountId, utterance_id: UtteranceId) -> OwnRow:
    row = queries.own_recording(session, account_id, utterance_id, house.clock())
    if row is None:
        raise UnknownClip
    return row


def _voice_key(house: Collaborators, account_id: AccountId, key_id: KeyId) -> AccountKey:
    return house.keyring.unwrap(account_id, key_id, KeyKind.VOICE)
