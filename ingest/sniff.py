"""Decides what a body is from its first bytes. A Content-Type is a hint that is often wrong, and is not asked.

Pure. Sniffing says "this claims to be audio of a kind that we decode"; whether it decodes is curation's to find out.
Sources: RFC 2361 (RIFF/WAVE) and EBU Tech 3306 (RF64), RFC 9639 (FLAC), RFC 3533, 5334 and 7845 (Ogg), ISO 11172-3
(MPEG audio), RFC 8794 and 9559 (EBML, Matroska), ISO 14496-12 (`ftyp`).
"""

from enum import StrEnum

from corpus.errors import NotAudio


class Container(StrEnum):
    """What a body may be, by its media type."""

    WAV = "audio/wav"
    FLAC = "audio/flac"
    OGG = "audio/ogg"
    MP3 = "audio/mpeg"
    WEBM = "audio/webm"
    MATROSKA = "audio/x-matroska"
    M4A = "audio/mp4"


OGG_HEADER_BYTES = 27
EBML_LOOKED_AT_BYTES = 256
ID3_HEADER_BYTES = 10
ID3_PADDING_BYTES = 4096  # some writers leave zeros between the tag and the first frame

_OGG_CODECS = (b"\x01vorbis", b"OpusHead")
_EBML = b"\x1a\x45\xdf\xa3"
_EBML_DOC_TYPE = b"\x42\x82"
_MP4_BRANDS = frozenset(
    {b"M4A ", b"M4B ", b"M4V ", b"mp41", b"mp42", b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"dash", b"qt  "}
)
_MP4_BRAND_STEMS = (b"3gp", b"3g2")
_BRAND_BYTES = 4

_MPEG1, _MPEG2, _MPEG25 = 3, 2, 0
_LAYER_III = 1
_BIT_RATES_KBPS = {
    _MPEG1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    _MPEG2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SAMPLE_RATES_HZ = {
    _MPEG1: (44_100, 48_000, 32_000),
    _MPEG2: (22_050, 24_000, 16_000),
    _MPEG25: (11_025, 12_000, 8_000),
}


def sniff(body: bytes) -> Container:
    """Raises `NotAudio`."""
    if body[:4] in (b"RIFF", b"RIFX", b"RF64") and body[8:12] == b"WAVE":
        return Container.WAV
    untagged = _after_id3(body)
    if body[untagged : untagged + 4] == b"fLaC":
        return Container.FLAC
    if body[:4] == b"OggS" and _is_ogg_audio(body):
        return Container.OGG
    if body[:4] == _EBML:
        return _matroska(body)
    if body[4:8] == b"ftyp" and _is_mp4_audio(body):
        return Container.M4A
    if _is_mp3(body, untagged):
        return Container.MP3
    raise NotAudio


def _is_ogg_audio(body: bytes) -> bool:
    """The first packet of the first page names the codec; a FLAC, Speex or Theora stream in Ogg is not one of ours."""
    if len(body) < OGG_HEADER_BYTES:
        return False
    packet = OGG_HEADER_BYTES + body[OGG_HEADER_BYTES - 1]
    return body[packet : packet + 8].startswith(_OGG_CODECS)


def _matroska(body: bytes) -> Container:
    head = body[:EBML_LOOKED_AT_BYTES]
    at = head.find(_EBML_DOC_TYPE)
    if at >= 0 and at + 2 < len(head):
        length = head[at + 2] & 0x7F  # a one-byte size: no document type is longer than 126 letters
        doc_type = head[at + 3 : at + 3 + length].rstrip(b"\0")
        if doc_type == b"webm":
            return Container.WEBM
        if doc_type == b"matroska":
            return Container.MATROSKA
    raise NotAudio


def _is_mp4_audio(body: bytes) -> bool:
    """Whether the major brand, or one that it says it is compatible with, may hold audio alone."""
    box = body[: int.from_bytes(body[:4])]
    brands = [box[8:12], *(box[at : at + _BRAND_BYTES] for at in range(16, min(len(box), 256), _BRAND_BYTES))]
    return any(brand in _MP4_BRANDS or brand.startswith(_MP4_BRAND_STEMS) for brand in brands)


def _after_id3(body: bytes) -> int:
    """Where the recording begins: behind an ID3v2 tag and its padding, if there is one."""
    if body[:3] != b"ID3" or len(body) <= ID3_HEADER_BYTES:
        return 0
    end = ID3_HEADER_BYTES + _synchsafe(body[6:ID3_HEADER_BYTES])
    padding = body[end : end + ID3_PADDING_BYTES]
    return end + len(padding) - len(padding.lstrip(b"\0"))


def _is_mp3(body: bytes, start: int) -> bool:
    """Two frames in a row that agree; the sync word alone stands in many a file. One is enough at the very end."""
    first = _frame_bytes(body, start)
    if first is None:
        return False
    second = start + first
    same_kind = body[second : second + 2] == body[start : start + 2]
    return second == len(body) or (same_kind and _frame_bytes(body, second) is not None)


def _synchsafe(size: bytes) -> int:
    """Four bytes of seven bits each (ID3v2, section 6.2)."""
    return sum((byte & 0x7F) << shift for byte, shift in zip(size, (21, 14, 7, 0), strict=True))


def _frame_bytes(body: bytes, at: int) -> int | None:
    """The length of the layer III frame whose header stands at `at`, or None where there is none."""
    header = body[at : at + 4]
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bit_rate, sample_rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if layer != _LAYER_III or version == 1 or bit_rate in (0, 15) or sample_rate == 3:
        return None
    kbps = _BIT_RATES_KBPS[_MPEG1 if version == _MPEG1 else _MPEG2][bit_rate]
    samples_by_8 = 144 if version == _MPEG1 else 72  # 1,152 or 576 samples a frame, in bits to bytes
    return samples_by_8 * kbps * 1000 // _SAMPLE_RATES_HZ[version][sample_rate] + padding
