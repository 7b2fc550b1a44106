"""A recogniser on another machine, over deepspeech-server's protocol."""

import io
import wave
from collections.abc import Callable

import httpx
import numpy as np
import pytest

from corpus.errors import Misconfigured, RecogniserUnavailable
from corpus.speech.hallucination import Doubt, nothing
from corpus.speech.heard import Heard, Sound
from corpus.speech.recognisers.server import ANSWER_MAX_BYTES, ServerRecogniser

SOUND = Sound(np.arange(160, dtype=np.int16), "de-DE")


def heard(answer: Callable[[httpx.Request], httpx.Response], address: str = "http://asr.example/stt") -> Heard:
    [answered] = ServerRecogniser(address, "de-DE", httpx.MockTransport(answer)).hear([SOUND])
    return answered


def test_a_wav_file_is_posted_and_the_text_is_what_was_heard() -> None:
    posted: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        posted.append(request)
        return httpx.Response(200, text="mach das  licht an\n")

    assert heard(answer, "http://asr.example/stt?lang={locale}") == Heard("mach das licht an")
    [request] = posted
    assert (request.method, str(request.url)) == ("POST", "http://asr.example/stt?lang=de-DE")
    with wave.open(io.BytesIO(request.content)) as recording:
        assert (recording.getframerate(), recording.getnchannels(), recording.getsampwidth()) == (16_000, 1, 2)
        assert recording.readframes(1_000) == SOUND.samples.tobytes()


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://ASR.example:8443/stt?key=abc", "asr.example"),
        ("http://10.0.0.7/stt", "10.0.0.7"),
        ("https://xn--bcher-kva.example/stt", "xn--bcher-kva.example"),
        ("https://bücher.example/stt", "bücher.example"),
        ("http://localhost:8080/stt", None),
        ("http://127.0.0.2/stt", None),
        ("http://[::1]/stt", None),
    ],
)
def test_it_tells_which_other_machine_clips_go_to(address: str, host: str | None) -> None:
    assert ServerRecogniser(address, "de-DE").sends_to == host


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://[::1", "no host that can be read"),
        ("https:///stt", "no host that can be read"),
        ("ftp://asr.example/stt", "must begin with http"),
        ("https://{locale}.asr.example/stt", "may stand behind the host"),
        ("https://asr.{locale}/stt", "may stand behind the host"),
        ("http://[::1]evil.example/", "host"),
        ("http://127.0.0.1\uff0eevil.example/stt?key=abc", "host"),
    ],
)
def test_an_address_that_leaves_its_host_open_is_refused(address: str, message: str) -> None:
    with pytest.raises(Misconfigured, match=message) as refused:
        ServerRecogniser(address, "de-DE")

    assert "abc" not in str(refused.value)


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_a_server_that_is_busy_is_asked_again_later(status: int) -> None:
    with pytest.raises(RecogniserUnavailable):
        heard(lambda _: httpx.Response(status))


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_a_server_out_of_reach_is_asked_again_later(error: type[httpx.TransportError]) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("no", request=request)

    with pytest.raises(RecogniserUnavailable):
        heard(fail)


@pytest.mark.parametrize("status", [301, 307, 401, 404, 405])
def test_a_refusal_or_a_way_elsewhere_stops_the_run(status: int) -> None:
    with pytest.raises(Misconfigured, match=f"server-asr.example answers {status}"):
        heard(
            lambda _: httpx.Response(status, headers={"Location": "http://elsewhere.example"}),
            "http://asr.example/s?key=abc",
        )


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx.Response(500, text="Speech to text error"), id="an-error"),
        pytest.param(httpx.Response(200, content=b"a" * (ANSWER_MAX_BYTES + 1)), id="an-endless-answer"),
    ],
)
def test_a_clip_that_the_server_makes_nothing_of_is_heard_by_nobody(answer: httpx.Response) -> None:
    assert heard(lambda _: answer) == nothing(Doubt.RECOGNISER_FAILED)


@pytest.mark.parametrize("address", ["ftp://asr.example/", "http:///stt"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(Misconfigured):
        ServerRecogniser(address, "en-US")


def test_the_name_gives_no_secret_of_the_address_away() -> None:
    assert ServerRecogniser("https://user:secret@asr.example/stt/token", "en-US").name == "server-asr.example"
