"""Reads what a device says of its recording: transcript, locale, time of capture.

Three places may say it, and the first that does is believed: the query, then a `Loanword-…` header (UTF-8,
percent-encoded), then a field of a multipart body. The query stands first because proxies add and drop headers, and an
address is what a device's log shows.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, unquote_to_bytes

from corpus.errors import BadMetadata

LONGEST_TRANSCRIPT = 1000
LONGEST_LOCALE = 35
LONGEST_FIELD_BYTES = 4 * LONGEST_TRANSCRIPT
LONGEST_QUERY_BYTES = 16_384
CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead of ours a device's clock may run. Within it, a capture in the future counts as now."""

HEADERS = {
    "transcript": "loanword-transcript",
    "locale": "loanword-locale",
    "captured_at": "loanword-captured-at",
}
_ALIASES = {"lang": "locale"}
FIELDS = frozenset({*HEADERS, *_ALIASES})

_LOCALE = re.compile(  # the shape of a BCP 47 language tag: language, script, region, variants
    r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*", re.ASCII
)
_TIME = re.compile(  # RFC 3339; a plus sign in a query that was not escaped arrives as a space
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+\- ]\d\d:\d\d)", re.ASCII
)
_SCRIPT_LETTERS, _REGION_LETTERS = 4, 2


@dataclass(frozen=True, slots=True)
class Metadata:
    """What was said of a recording. None where nothing was; `captured_at` as said, not yet held against our clock."""

    transcript: str | None = None
    locale: str | None = None
    captured_at: datetime | None = None

    def or_else(self, other: "Metadata") -> "Metadata":
        """This, filled up from the other."""
        return Metadata(
            self.transcript if self.transcript is not None else other.transcript,
            self.locale or other.locale,
            self.captured_at or other.captured_at,
        )


def from_request(query: bytes, headers: Mapping[str, str]) -> Metadata:
    """Raises `BadMetadata`. `headers` has lower-case names."""
    if len(query) > LONGEST_QUERY_BYTES:
        raise BadMetadata(f"The query is longer than {LONGEST_QUERY_BYTES} bytes.")
    try:
        asked = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict")
    except (UnicodeDecodeError, ValueError) as error:
        raise BadMetadata("The query is not percent-encoded UTF-8.") from error
    said = [(name, _decoded(headers[header], header)) for name, header in HEADERS.items() if header in headers]
    return from_fields(asked).or_else(from_fields(said))


def from_fields(fields: Iterable[tuple[str, str]]) -> Metadata:
    """Reads the fields that we know; others are nobody's business. Raises `BadMetadata`, also for one said twice."""
    known: dict[str, str] = {}
    for name, value in fields:
        word = _ALIASES.get(name, name)
        if word in HEADERS and known.setdefault(word, value) != value:
            raise BadMetadata(f"{word} is given twice, and not the same.")
    return Metadata(
        transcript=parse_transcript(known["transcript"]) if known.get("transcript") else None,
        locale=parse_locale(known["locale"]) if known.get("locale") else None,
        captured_at=parse_time(known["captured_at"]) if known.get("captured_at") else None,
    )


def parse_transcript(text: str) -> str | None:
    """The words with single spaces between them, or None where there are none. Raises `BadMetadata`."""
    words = " ".join(text.split())
    if len(words) > LONGEST_TRANSCRIPT:
        raise BadMetadata(f"transcript is longer than {LONGEST_TRANSCRIPT} characters.")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in words):
        raise BadMetadata("transcript has control characters.")
    return words or None


def parse_locale(text: str) -> str:
    """In the usual case: `en-us` is `en-US`. Raises `BadMetadata`."""
    if len(text) > LONGEST_LOCALE or not _LOCALE.fullmatch(text):
        raise BadMetadata("locale is not a language tag: write `en-US`.")
    language, *others = text.split("-")
    return "-".join([language.lower(), *map(_cased, others)])


def parse_time(text: str) -> datetime:
    """An RFC 3339 time with its zone, in UTC, to the microsecond. Raises `BadMetadata`."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise BadMetadata("captured_at is not an RFC 3339 time with a zone: write `2026-01-31T12:00:00Z`.")
    date, time, fraction, zone = found.groups()
    zone = "+00:00" if zone in "Zz" else zone.replace(" ", "+")
    try:
        return datetime.fromisoformat(f"{date}T{time}.{(fraction or '0')[:6]:0<6}{zone}").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadMetadata("captured_at is not a time that there is.") from error


def capture_time(said: datetime | None, now: datetime) -> datetime:
    """When a recording counts as made: as said, never after now. Raises `BadMetadata` for a time well in the future."""
    if said is not None and said > now + CLOCK_SKEW:
        raise BadMetadata("captured_at is in the future: set the device's clock.")
    return now if said is None else min(said, now)


def _decoded(value: str, name: str) -> str:
    if len(value) > 3 * LONGEST_FIELD_BYTES:
        raise BadMetadata(f"{name} is too long.")
    try:
        return unquote_to_bytes(value.encode("latin-1")).decode("utf-8")
    except UnicodeError as error:
        raise BadMetadata(f"{name} is not percent-encoded UTF-8.") from error


def _cased(subtag: str) -> str:
    if len(subtag) == _SCRIPT_LETTERS and subtag.isalpha():
        return subtag.title()
    return subtag.upper() if len(subtag) == _REGION_LETTERS else subtag.lower()
