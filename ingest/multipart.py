"""Takes a multipart body apart in memory: one recording and a few short fields.

Never through a web framework's form parser, which spools parts to temporary files. The first line of the body is
believed before the Content-Type header: devices are known that send a multipart body as `application/json`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from corpus.errors import BadBody, NotAudio
from ingest.metadata import FIELDS
from ingest.sniff import sniff

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_PARTS = 32
LONGEST_BOUNDARY = 200
AUDIO_FIELDS = (b"audio", b"file")
TEXT_FIELDS = frozenset(name.encode() for name in FIELDS)


@dataclass(slots=True)
class Part:
    """One part: its headers (names in lower case) and its bytes."""

    headers: dict[bytes, bytes] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)

    @property
    def name(self) -> bytes:
        disposition, options = parse_options_header(self.headers.get(b"content-disposition", b""))
        return options.get(b"name", b"") if disposition == b"form-data" else b""

    @property
    def content(self) -> bytes:
        return b"".join(self.chunks)


def is_multipart(content_type: str, body: bytes) -> bool:
    return body[:2] == b"--" or content_type.lower().startswith("multipart/form-data")


def take_apart(content_type: str, body: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    """The recording, and the text fields by name. Raises `BadBody`, or `NotAudio` where no part is a recording."""
    parts = parse(_boundary(content_type, body), body)
    audio = _audio(parts)
    return audio.content, [_text(part) for part in parts if part is not audio and part.name in TEXT_FIELDS]


def parse(boundary: bytes, body: bytes) -> list[Part]:
    """Raises `BadBody` for a body that is cut short, has too many parts, or does not follow its boundary."""
    collected = _Collected()
    try:
        parser = MultipartParser(boundary, collected.callbacks())
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise BadBody("The multipart body cannot be taken apart.") from error
    if not collected.ended:
        raise BadBody("The multipart body is cut short.")
    return collected.parts


class _Collected:
    """Gathers what the push parser finds."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.ended = False
        self._name = b""
        self._value = b""

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_part_data": self._data,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        if len(self.parts) == MOST_PARTS:
            raise BadBody(f"The multipart body has more than {MOST_PARTS} parts.")
        self.parts.append(Part())

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self.parts[-1].headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].chunks.append(data[start:end])

    def _end(self) -> None:
        self.ended = True


def _boundary(content_type: str, body: bytes) -> bytes:
    if body[:2] == b"--":
        line, end, _ = body[: LONGEST_BOUNDARY + 4].partition(b"\r\n")
        if end and len(line) > 2:
            return line[2:].rstrip(b" \t")
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not boundary or len(boundary) > LONGEST_BOUNDARY:
        raise BadBody("The multipart body has no boundary.")
    return boundary


def _audio(parts: Iterable[Part]) -> Part:
    named = [part for part in parts if part.name in AUDIO_FIELDS]
    for part in named or parts:
        if _sounds(part):
            return part
    raise NotAudio


def _sounds(part: Part) -> bool:
    try:
        sniff(part.content)
    except NotAudio:
        return False
    return True


def _text(part: Part) -> tuple[str, str]:
    try:
        return part.name.decode(), part.content.decode()
    except UnicodeDecodeError as error:
        raise BadBody("A text field of the multipart body is not UTF-8.") from error
