"""Everything of one's own, as a zip file that is made while it is sent: never whole in memory, and never on a disk.

The gate is asked again for each recording, when its bytes are in hand. A key lives for one batch. If the voice is taken
back while the file is being made, what is in it by then stays, the rest is erased, and the file says so: it ends as a
file that opens, for whoever is about to lose everything else.

Recordings are compressed although they hardly shrink: readers that unpack while they receive cannot tell where a stored
entry ends whose size comes after it.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from corpus.collaborators import Collaborators
from corpus.consent import in_force
from corpus.demographics import Field
from corpus.errors import KeyDestroyed, NotFound, ObjectAbsent, UnknownClip
from corpus.keys import KeyKind
from corpus.queries import consent_facts, notices_shown
from corpus.words import AccountId, KeyId, Purpose, UtteranceId
from ingest.demographics import told
from ingest.own import queries
from ingest.own.clips import OwnClip, Recording, WordsFrom, described, read, still_usable
from ingest.own.queries import OwnRow
from ingest.pair_device import list_devices
from ingest.queries import voice_key_id
from ingest.receipts import VERIFIER, receipts, verifier

BATCH = 16
COMPRESS_LEVEL = 1
OWNER_ONLY = 0o600 << 16
ENDINGS = {
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/webm": "webm",
    "audio/x-matroska": "mka",
    "audio/mp4": "m4a",
}
COLUMNS = (
    "file",
    "sha256",
    "recording",
    "recorded_at",
    "received_at",
    "device",
    "language",
    "duration_s",
    "state",
    "reason",
    "releases",
    "transcript_of_curator",
    "transcript_of_device",
    "transcript_of_recogniser",
)
README = """This is everything that {server} keeps of your voice, as of {now}.

recordings       what your devices sent, as they sent it; where the original was erased when its time had come, the copy
                 that was prepared from it (its name ends in -prepared.wav)
manifest.csv     one line a recording: its file and SHA-256, when and by which device it was made, what became of it,
                 the releases that hold it, and its words as the device, a machine and a curator wrote them down
consent.json     every answer you gave, as the ledger holds it
receipts/        the receipt of each, which {verifier} checks without us
releases.json    the published releases that hold any of your recordings
devices.json     the devices that you paired
about-you.json   what you told of yourself
notices/         each text that you agreed to, exactly as it was shown

Times are UTC. Nothing here is encrypted: keep it where only you can read it.
"""
INCOMPLETE = """This file is not complete.

While it was being made, your voice was taken back or your agreement ran out. {taken} of {counted} recordings are in it.
The others were not given out any more, not even to you.
"""


class _Outgoing:
    """Takes what `zipfile` writes, and hands it on in pieces. It cannot seek, so sizes follow each entry."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """There is nothing to close."""

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


@dataclass(frozen=True, slots=True)
class _Taken:
    """One recording on its way home. None where the store has lost it."""

    clip: OwnClip
    recording: Recording | None
    is_original: bool


@dataclass(slots=True)
class _Manifest:
    """Grows by some hundred bytes a recording, the one thing that is held to the end."""

    text: io.StringIO = field(default_factory=io.StringIO)
    recordings: int = 0

    def add(self, name: str, taken: _Taken) -> None:
        writer = csv.DictWriter(self.text, COLUMNS)
        if self.recordings == 0:
            writer.writeheader()
        writer.writerow(_line(name, taken))
        self.recordings += 1


def take_home(house: Collaborators, account_id: AccountId) -> Iterator[bytes]:
    """The file, piece by piece. Without `collect` in force there are no recordings to take, and the rest comes."""
    outgoing, manifest, now = _Outgoing(), _Manifest(), house.clock()
    with house.database.reading() as session:
        counted = queries.counts(session, account_id, now).recordings
        key_id = voice_key_id(session, account_id)
    with ZipFile(outgoing, "w", ZIP_DEFLATED, compresslevel=COMPRESS_LEVEL) as archive:
        for name, text in _papers(house, account_id):
            archive.writestr(_entry(name, now), text)
            yield outgoing.taken()
        for taken in _recordings(house, account_id):
            name = _name(taken) if taken.recording else ""
            if taken.recording:
                archive.writestr(_entry(name, taken.clip.captured_at), taken.recording.content)
            manifest.add(name, taken)
            yield outgoing.taken()
        archive.writestr(_entry("manifest.csv", now), manifest.text.getvalue())
        if counted and not _still_lends(house, account_id, key_id):
            told_of_it = INCOMPLETE.format(taken=manifest.recordings, counted=counted)
            archive.writestr(_entry("INCOMPLETE.txt", now), told_of_it)
    yield outgoing.taken()


def _papers(house: Collaborators, account_id: AccountId) -> Iterator[tuple[str, str]]:
    now = house.clock()
    server = house.settings.public_url or "this server"
    yield "README.txt", README.format(server=server, now=f"{now:%Y-%m-%d %H:%M} UTC", verifier=VERIFIER)
    yield from _receipts(house, account_id)
    devices = [
        {"name": each.name, "paired_at": _at(each.created_at), "revoked_at": _at(each.revoked_at)}
        for each in list_devices(house, account_id)
    ]
    yield "devices.json", _json(devices)
    yield "about-you.json", _json({each.value: answer for each, answer in _told(house, account_id).items()})
    with house.database.reading() as session:
        held = queries.releases_with(session, account_id)
        shown = notices_shown(session, account_id)
    releases = [{"name": each.name, "version": each.version, "state": each.state.value} for each in held]
    yield "releases.json", _json(releases)
    for notice in shown:
        yield f"notices/{notice.version}-{notice.locale}.txt", notice.wording


def _receipts(house: Collaborators, account_id: AccountId) -> Iterator[tuple[str, str]]:
    given = receipts(house, account_id)
    yield "consent.json", _json([each.as_json()["record"] for each in given])
    for each in given:
        of = f"{each.act.value}-{each.purpose.value}" if each.act and each.purpose else "erased"
        yield f"receipts/{each.at:%Y-%m-%d}_{each.id}_{of}.json", each.document
    yield f"receipts/{VERIFIER}", verifier()


def _told(house: Collaborators, account_id: AccountId) -> dict[Field, str]:
    try:
        return told(house, account_id).answers
    except KeyDestroyed:
        return {}


def _recordings(house: Collaborators, account_id: AccountId) -> Iterator[_Taken]:
    """In batches, each asked for when the one before is gone. Ends where the gate closes."""
    last: UtteranceId | None = None
    while True:
        with house.database.reading() as session:
            rows = queries.own_recordings_after(session, account_id, house.clock(), limit=BATCH, after=last)
        if not rows:
            return
        last = rows[-1].utterance.id
        try:
            yield from _batch(house, account_id, rows)
        except KeyDestroyed:
            return


def _batch(house: Collaborators, account_id: AccountId, rows: list[OwnRow]) -> Iterator[_Taken]:
    """What is still there and may still be used. Raises `KeyDestroyed`."""
    clips = described(house, account_id, rows)
    key = house.keyring.unwrap(account_id, rows[0].utterance.voice_key_id, KeyKind.VOICE)
    for row, clip in zip(rows, clips, strict=True):
        try:
            found = read(house, row, key, original=clip.has_original)
        except (ObjectAbsent, NotFound):
            found = None
        try:
            still_usable(house, account_id, clip.utterance_id)
        except UnknownClip:
            continue  # deleted since, or all of it taken back: then the next batch is empty
        yield _Taken(clip, found, clip.has_original)


def _still_lends(house: Collaborators, account_id: AccountId, key_id: KeyId | None) -> bool:
    """Whether the voice was not taken back since: who then agreed again has another key."""
    with house.database.reading() as session:
        agrees = in_force(consent_facts(session, account_id), Purpose.COLLECT, house.clock())
        return agrees and voice_key_id(session, account_id) == key_id


def _name(taken: _Taken) -> str:
    assert taken.recording is not None
    at, ending = taken.clip.captured_at, ENDINGS.get(taken.recording.media_type, "bin")
    prepared = "" if taken.is_original else "-prepared"
    return f"recordings/{at:%Y-%m-%d_%H-%M-%S}_{taken.clip.utterance_id}{prepared}.{ending}"


def _line(name: str, taken: _Taken) -> dict[str, object]:
    clip, recording = taken.clip, taken.recording
    words = {source: [each.text for each in clip.transcripts if each.source is source] for source in WordsFrom}
    return {
        "file": name,
        "sha256": hashlib.sha256(recording.content).hexdigest() if recording else "",
        "recording": clip.utterance_id,
        "recorded_at": _at(clip.captured_at),
        "received_at": _at(clip.received_at),
        "device": clip.device,
        "language": clip.locale,
        "duration_s": "" if clip.duration_s is None else f"{clip.duration_s:.2f}",
        "state": clip.state.value,
        "reason": clip.why or "",
        "releases": " ".join(f"{each.name}@{each.version}" for each in clip.releases),
        "transcript_of_curator": " | ".join(words[WordsFrom.CURATOR]),
        "transcript_of_device": " | ".join(words[WordsFrom.DEVICE]),
        "transcript_of_recogniser": " | ".join(words[WordsFrom.RECOGNISER]),
    }


def _entry(name: str, at: datetime) -> ZipInfo:
    info = ZipInfo(name, at.astimezone(UTC).timetuple()[:6])
    info.compress_type = ZIP_DEFLATED
    info.external_attr = OWNER_ONLY
    return info


def _at(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
