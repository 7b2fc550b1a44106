"""What changes about the releases of one name, and is signed: state.json, and tombstones.csv by its digest. Pure.

A state has a serial that only grows, and it runs out: whoever holds a newer one refuses an older one, and whoever holds
one that has run out fetches another. Days and never times are told, since a time could tell of one person.
"""

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from corpus.signing import Signer
from corpus.words import ReleaseState

STATE = "loanword/release-state/1"
TOMBSTONE_COLUMNS = ("version", "revision", "wav_filename", "wav_sha256", "date", "reason")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class TombstoneLine:
    """One line of tombstones.csv. `revision` is the last one that held the clip."""

    version: str
    revision: int
    wav_filename: str
    wav_sha256: str
    date: str
    reason: str


@dataclass(frozen=True, slots=True)
class VersionState:
    """How one version stands. While `awaits_recut`, its files are not served: a revision without a voice is to come."""

    version: str
    state: ReleaseState
    revision: int
    manifest_sha256: str | None
    awaits_recut: bool


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A public key that signs or signed in our name; `endorsement` is the signed JSON of the key before it."""

    key_id: str
    public_key: str
    endorsement: str | None


def format_tombstones(lines: Iterable[TombstoneLine]) -> str:
    """Sorted by version and file name, so that the order tells nothing of who withdrew with whom."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(TOMBSTONE_COLUMNS)
    for line in sorted(lines, key=lambda line: (line.version, line.wav_filename)):
        writer.writerow((line.version, line.revision, line.wav_filename, line.wav_sha256, line.date, line.reason))
    return text.getvalue()


def parse_tombstones(text: str) -> list[TombstoneLine]:
    """What `format_tombstones` wrote."""
    return [
        TombstoneLine(version, int(revision), *rest)
        for version, revision, *rest in list(csv.reader(io.StringIO(text)))[1:]
    ]


def sign_state(
    signer: Signer,
    *,
    name: str,
    serial: int,
    expires_at: datetime,
    versions: Sequence[VersionState],
    keys: Sequence[KnownKey],
    tombstones: Sequence[TombstoneLine],
) -> str:
    """state.json: one signed document, on one line."""
    told = format_tombstones(tombstones).encode()
    content = {
        "name": name,
        "serial": serial,
        "expires_at": expires_at.isoformat().replace("+00:00", "Z"),
        "versions": [asdict(each) for each in versions],
        "keys": [asdict(each) for each in keys],
        "tombstones": {
            "count": len(tombstones),
            "size_bytes": len(told),
            "sha256": hashlib.sha256(told).hexdigest(),
        },
    }
    return signer.sign(STATE, content)


def expiry(now: datetime, lasts: timedelta) -> datetime:
    """The next midnight (UTC) after it has lasted so long."""
    return day_of(now + lasts) + _DAY


def day_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
