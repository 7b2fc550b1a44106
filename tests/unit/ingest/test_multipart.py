"""A multipart body, taken apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.errors import BadBody, NotAudio, Refused
from ingest.multipart import is_multipart, take_apart
from tests.factories import tone, wav

WAV = wav(tone(duration_s=0.1))
HONEST = "multipart/form-data; boundary=B"


def part(name: str, content: bytes, *, filename: str | None = None) -> bytes:
    disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
    return f"Content-Disposition: {disposition}\r\n\r\n".encode() + content + b"\r\n"


def form(*parts: bytes, boundary: bytes = b"B") -> bytes:
    return b"".join(b"--" + boundary + b"\r\n" + each for each in parts) + b"--" + boundary + b"--\r\n"


@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param(HONEST, id="honest"),
        pytest.param("application/json", id="wrong"),
        pytest.param("multipart/form-data; boundary=other", id="another-boundary"),
        pytest.param("", id="missing"),
    ],
)
def test_a_recording_and_its_fields_are_found_whatever_the_content_type(content_type: str) -> None:
    body = form(part("transcript", b"lights on"), part("audio", WAV, filename="a.wav"), part("lang", b"en-us"))

    assert is_multipart(content_type, body)
    assert take_apart(content_type, body) == (WAV, [("transcript", "lights on"), ("lang", "en-us")])


def test_without_a_part_of_that_name_the_first_that_sounds_is_taken() -> None:
    body = form(part("meta", b"{}"), part("sample", WAV), part("other", WAV[:50]))

    assert take_apart(HONEST, body)[0] == WAV


def test_a_preamble_is_skipped() -> None:
    assert take_apart(HONEST, b"\r\n" + form(part("audio", WAV)))[0] == WAV


def test_raw_audio_is_not_taken_for_multipart() -> None:
    assert not is_multipart("audio/wav", WAV)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param(form(part("audio", WAV))[:-8], BadBody, id="cut-short"),
        pytest.param(b"--B\r\n", BadBody, id="only-a-boundary"),
        pytest.param(b"--", BadBody, id="two-dashes"),
        pytest.param(b"--" + b"b" * 5000, BadBody, id="an-endless-boundary"),
        pytest.param(b"--\r\n\r\n----\r\n", BadBody, id="an-empty-boundary"),
        pytest.param(form(part("transcript", b"x")), NotAudio, id="no-recording"),
        pytest.param(form(part("audio", b"<html>")), NotAudio, id="a-recording-that-is-none"),
        pytest.param(form(*[part("a", b"x")] * 40, part("audio", WAV)), BadBody, id="too-many-parts"),
        pytest.param(form(part("transcript", b"\xff"), part("audio", WAV)), BadBody, id="text-that-is-none"),
        pytest.param(b"--B\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n", BadBody, id="an-endless-header"),
        pytest.param(b"--B\r\n" + b"X: y\r\n" * 5000 + b"\r\n", BadBody, id="endless-headers"),
    ],
)
def test_a_hostile_body_is_refused(body: bytes, error: type[Refused]) -> None:
    with pytest.raises(error):
        take_apart("application/octet-stream", body)


@given(st.binary(max_size=300), st.sampled_from([HONEST, "multipart/form-data", "text/plain"]))
def test_no_body_raises_anything_but_a_refusal(rest: bytes, content_type: str) -> None:
    try:
        take_apart(content_type, b"--B\r\n" + rest)
    except (BadBody, NotAudio):
        return


@given(st.binary(max_size=200).filter(lambda content: b"\r\n--B" not in content))
def test_a_recording_comes_out_byte_for_byte(content: bytes) -> None:
    assert take_apart(HONEST, form(part("audio", WAV + content)))[0] == WAV + content
