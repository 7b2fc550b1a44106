"""The sending side: once each, whatever happens on the way."""

from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import pytest

from corpus.errors import ServerUnavailable, UploadStopped
from ingest import digests
from ingest.client import (
    ATTEMPTS,
    Fate,
    Recording,
    Spool,
    Uploader,
    idempotency_key,
    upload_all,
)

STORED = httpx.Response(201, json={"id": "u1"})
Reply = httpx.Response | httpx.TransportError


def refusal(status: int, kind: str, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={"type": f"urn:loanword:problem:{kind}", "detail": "because"}, headers=named)


class Server:
    """Gives these answers, one after the other, and remembers what it was asked."""

    def __init__(self, replies: Sequence[Reply]) -> None:
        self.replies = list(replies)
        self.asked: list[httpx.Request] = []
        self.pauses_s: list[float] = []

    def uploader(self) -> Uploader:
        http = httpx.Client(base_url="http://server", transport=httpx.MockTransport(self._reply))
        return Uploader(http, "lw_token", self.pauses_s.append)

    def _reply(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        reply = self.replies.pop(0)
        if isinstance(reply, httpx.TransportError):
            raise reply
        return reply


@pytest.fixture
def make_recording(tmp_path: Path) -> Callable[[str], Recording]:
    def make(name: str) -> Recording:
        path = tmp_path / name
        path.write_bytes(name.encode())
        return Recording(path, transcript="Füße hoch", locale="de-DE", captured_at="2026-03-01T12:00:00+01:00")

    return make


def test_a_recording_is_sent_with_what_is_known_of_it(make_recording: Callable[[str], Recording]) -> None:
    server, recording = Server([STORED]), make_recording("a.wav")

    sent = server.uploader().upload(recording)

    (request,) = server.asked
    assert (sent.fate, sent.utterance_id) == (Fate.STORED, "u1")
    assert request.content == b"a.wav"
    assert request.headers["authorization"] == "Bearer lw_token"
    assert request.headers["repr-digest"] == digests.header_for(b"a.wav")
    assert request.headers["idempotency-key"] == idempotency_key("a.wav", b"a.wav")
    assert request.headers["loanword-transcript"] == "F%C3%BC%C3%9Fe hoch"
    assert request.headers["loanword-captured-at"] == "2026-03-01T12:00:00+01:00"


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(refusal(503, "store-unavailable"), id="store-down"),
        pytest.param(refusal(429, "rate-limited", Retry_After="7"), id="too-fast"),
        pytest.param(httpx.ConnectError("refused"), id="nobody-there"),
        pytest.param(httpx.ReadError("reset"), id="answer-lost"),
        pytest.param(httpx.ReadTimeout("slow"), id="no-answer"),
    ],
)
def test_what_may_pass_is_tried_again_with_the_same_key(
    make_recording: Callable[[str], Recording], first: Reply
) -> None:
    server = Server([first, STORED])

    sent = server.uploader().upload(make_recording("a.wav"))

    assert sent.fate is Fate.STORED
    assert len({request.headers["idempotency-key"] for request in server.asked}) == 1
    assert len(server.pauses_s) == 1


def test_a_server_that_says_how_long_is_waited_for_as_long(make_recording: Callable[[str], Recording]) -> None:
    server = Server([refusal(429, "rate-limited", Retry_After="7"), STORED])

    server.uploader().upload(make_recording("a.wav"))

    assert 7 <= server.pauses_s[0] < 8


def test_pauses_grow_and_end(make_recording: Callable[[str], Recording]) -> None:
    server = Server([httpx.ConnectError("refused")] * ATTEMPTS)

    with pytest.raises(ServerUnavailable):
        server.uploader().upload(make_recording("a.wav"))

    assert len(server.asked) == ATTEMPTS
    assert server.pauses_s[-1] > server.pauses_s[0]


@pytest.mark.parametrize("kind", ["consent-withdrawn", "consent-not-given", "notice-outdated", "device-revoked"])
def test_a_device_that_is_told_to_stop_stops(make_recording: Callable[[str], Recording], kind: str) -> None:
    server = Server([refusal(403, kind), STORED])

    with pytest.raises(UploadStopped) as stopped:
        server.uploader().upload(make_recording("a.wav"))

    assert stopped.value.problem == kind
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "unauthenticated"), (403, "scope-missing"), (403, "token-of-no-device")]
)
def test_a_token_that_is_no_devices_says_what_to_run(
    make_recording: Callable[[str], Recording], status: int, kind: str
) -> None:
    server = Server([refusal(status, kind)])

    with pytest.raises(UploadStopped, match="`loanword device pair`"):
        server.uploader().upload(make_recording("a.wav"))


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(refusal(415, "not-audio"), id="not-audio"),
        pytest.param(refusal(413, "too-large"), id="too-large"),
        pytest.param(refusal(403, "captured-before-consent"), id="captured-before-consent"),
        pytest.param(httpx.Response(400, text="<html>"), id="a-proxys-page"),
    ],
)
def test_one_bad_recording_does_not_stop_the_others(
    make_recording: Callable[[str], Recording], tmp_path: Path, reply: httpx.Response
) -> None:
    server = Server([reply, STORED])
    recordings = [make_recording("a.wav"), make_recording("b.wav")]

    sent = upload_all(recordings, server.uploader(), Spool(tmp_path / "spool"), lambda _: None)

    assert [each.fate for each in sent] == [Fate.REFUSED, Fate.STORED]


def test_what_was_refused_before_is_not_what_was_sent(
    make_recording: Callable[[str], Recording], tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    recordings = [make_recording(name) for name in ("a.wav", "b.wav")]
    upload_all(recordings, Server([refusal(415, "not-audio"), STORED]).uploader(), Spool(spool), lambda _: None)

    sent = upload_all(recordings, Server([]).uploader(), Spool(spool), lambda _: None)

    told = [(each.fate, each.problem, each.utterance_id) for each in sent]
    assert told == [(Fate.REFUSED_BEFORE, "not-audio", None), (Fate.SENT_BEFORE, None, "u1")]


def test_a_run_that_was_stopped_goes_on_where_it_was(
    make_recording: Callable[[str], Recording], tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    recordings = [make_recording(name) for name in ("a.wav", "b.wav", "c.wav")]
    first = Server([STORED, refusal(401, "unauthenticated")])
    with pytest.raises(UploadStopped):
        upload_all(recordings, first.uploader(), Spool(spool), lambda _: None)
    with spool.open("a") as file:
        file.write('{"key": "cut sho')
    second = Server([STORED, STORED])

    sent = upload_all(recordings, second.uploader(), Spool(spool), lambda _: None)

    assert [each.fate for each in sent] == [Fate.SENT_BEFORE, Fate.STORED, Fate.STORED]
    assert [request.content for request in second.asked] == [b"b.wav", b"c.wav"]
