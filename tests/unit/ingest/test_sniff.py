"""What a body is, by its first bytes."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.errors import NotAudio
from ingest.sniff import Container, sniff

ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "loanword" / "samples"
SHARED = ROOT.parent / "shared" / "data"
BY_SUFFIX = {
    ".wav": Container.WAV,
    ".flac": Container.FLAC,
    ".ogg": Container.OGG,
    ".opus": Container.OGG,
    ".mp3": Container.MP3,
    ".webm": Container.WEBM,
    ".m4a": Container.M4A,
}
MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)  # MPEG-1 layer III, 128 kbit/s, 44.1 kHz: 417 bytes
needs_recordings = pytest.mark.skipif(
    not SHARED.exists(), reason="the folder of real recordings is not beside the checkout"
)


def page(packet: bytes) -> bytes:
    """The first page of an Ogg stream."""
    return b"OggS" + bytes(22) + b"\x01" + bytes([len(packet)]) + packet


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    brands = b"".join(compatible)
    return (16 + len(brands)).to_bytes(4) + b"ftyp" + major + bytes(4) + brands + b"mdat"


def ebml(doc_type: bytes) -> bytes:
    return b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82" + bytes([0x80 | len(doc_type)]) + doc_type


@pytest.mark.parametrize("path", sorted(p for p in SAMPLES.iterdir() if p.suffix in BY_SUFFIX), ids=lambda p: p.name)
def test_each_built_in_sample_is_known(path: Path) -> None:
    assert sniff(path.read_bytes()) is BY_SUFFIX[path.suffix]


@needs_recordings
def test_each_real_recording_of_a_kind_we_read_is_known() -> None:
    found = [p for p in (SHARED / "dev").rglob("*") if p.suffix in BY_SUFFIX]

    assert len(found) > 300
    assert [p.name for p in found if sniff(p.read_bytes()) is not BY_SUFFIX[p.suffix]] == []


@needs_recordings
def test_what_is_no_audio_at_all_is_refused_whatever_it_is_called() -> None:
    with (SHARED / "broken" / "manifest.csv").open(encoding="utf-8") as file:
        files = [row["file"] for row in csv.DictReader(file) if row["category"] == "not audio"]

    assert files != []
    for name in files:
        with pytest.raises(NotAudio):
            sniff((SHARED / "broken" / name).read_bytes())


@pytest.mark.parametrize(
    ("body", "container"),
    [
        pytest.param(b"RIFF\0\0\0\0WAVEfmt ", Container.WAV, id="riff"),
        pytest.param(b"RIFX\0\0\0\0WAVEfmt ", Container.WAV, id="big-endian-riff"),
        pytest.param(b"RF64\xff\xff\xff\xffWAVEds64", Container.WAV, id="long-wave"),
        pytest.param(b"fLaC\0\0\0\x22", Container.FLAC, id="flac"),
        pytest.param(b"ID3\x04\0\0\0\0\0\x02xx" + b"fLaC", Container.FLAC, id="tagged-flac"),
        pytest.param(page(b"\x01vorbis" + bytes(23)), Container.OGG, id="vorbis"),
        pytest.param(page(b"OpusHead" + bytes(11)), Container.OGG, id="opus"),
        pytest.param(MP3_FRAME * 2, Container.MP3, id="two-frames"),
        pytest.param(MP3_FRAME, Container.MP3, id="one-frame-and-the-end"),
        pytest.param(b"ID3\x04\0\0\0\0\0\x02xx" + bytes(7) + MP3_FRAME * 2, Container.MP3, id="tag-and-padding"),
        pytest.param(ebml(b"webm"), Container.WEBM, id="webm"),
        pytest.param(ebml(b"matroska"), Container.MATROSKA, id="matroska"),
        pytest.param(ftyp(b"M4A "), Container.M4A, id="m4a"),
        pytest.param(ftyp(b"3gp5"), Container.M4A, id="phone"),
        pytest.param(ftyp(b"XXXX", b"isom"), Container.M4A, id="compatible-with-iso"),
    ],
)
def test_a_container_is_known_by_its_magic(body: bytes, container: Container) -> None:
    assert sniff(body) is container


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"RIFF\0\0\0\0AVI LIST", id="video-in-riff"),
        pytest.param(page(b"\x80theora" + bytes(30)), id="video-in-ogg"),
        pytest.param(page(b"Speex   " + bytes(30)), id="a-codec-we-do-not-read"),
        pytest.param(b"OggS\0\x02", id="a-page-cut-short"),
        pytest.param(ebml(b"other"), id="another-ebml"),
        pytest.param(b"\x1a\x45\xdf\xa3\x42\x82", id="ebml-cut-short"),
        pytest.param(ftyp(b"avif", b"mif1"), id="a-picture"),
        pytest.param(b"ID3\x04\0\0\0\0\0\x02xx<html>", id="a-tag-on-something-else"),
        pytest.param(MP3_FRAME + b"<html>", id="one-frame-and-then-something-else"),
        pytest.param(b"\xff\xfb\xf0\x00" * 200, id="a-sync-word-with-no-such-bit-rate"),
        pytest.param(b"\xff\xf1\x50\x80" * 200, id="aac-alone"),
        pytest.param(b"<!doctype html><title>Sign in</title>", id="a-captive-portal"),
        pytest.param(b"version https://git-lfs.github.com/spec/v1\n", id="a-pointer"),
    ],
)
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(NotAudio):
        sniff(body)


@given(
    st.sampled_from([b"", b"RIFF", b"OggS", b"fLaC", b"ID3", b"\xff\xfb", b"\x1a\x45\xdf\xa3", b"\0\0\0\x18ftyp"]),
    st.binary(max_size=300),
)
def test_no_bytes_raise_anything_but_the_refusal(magic: bytes, rest: bytes) -> None:
    try:
        found = sniff(magic + rest)
    except NotAudio:
        return
    assert found in Container
