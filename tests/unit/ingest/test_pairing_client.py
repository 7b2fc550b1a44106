"""A device that pairs by code: what it does with each answer."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from corpus.errors import ServerRefused, ServerUnavailable
from corpus.web.problems import TYPE_PREFIX
from ingest.pairing.client import Shown, pair

BEGUN = {
    "device_code": "secret",
    "user_code": "BCDF-GHJK",
    "verification_uri": "https://voices.example/me/devices",
    "verification_uri_complete": "https://voices.example/me/devices?code=BCDF-GHJK",
    "expires_in": 60,
    "interval": 5,
}
TOKEN = httpx.Response(200, json={"token": "lw_secret"})


def problem(word: str, status: int = 400) -> httpx.Response:
    return httpx.Response(status, json={"type": TYPE_PREFIX + word, "detail": f"{word}, in words"})


def paired(answers: Iterator[httpx.Response | Exception], pauses: list[float] | None = None) -> str:
    shown: list[Shown] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/pairings":
            return httpx.Response(201, json=BEGUN)
        given = next(answers)
        if isinstance(given, Exception):
            raise given
        return given

    with httpx.Client(base_url="https://voices.example", transport=httpx.MockTransport(answer)) as http:
        token = pair(http, shown.append, (pauses if pauses is not None else []).append)
    assert [each.user_code for each in shown] == ["BCDF-GHJK"]
    return token


def test_it_waits_the_interval_before_each_question() -> None:
    pauses: list[float] = []

    assert paired(iter([problem("authorization-pending"), TOKEN]), pauses) == "lw_secret"
    assert pauses == [5, 5]


def test_told_to_slow_down_it_waits_five_seconds_longer_from_then_on() -> None:
    pauses: list[float] = []

    paired(iter([problem("slow-down"), problem("slow-down"), problem("authorization-pending"), TOKEN]), pauses)

    assert pauses == [5, 10, 15, 15]


@pytest.mark.parametrize(
    "passing",
    [
        pytest.param(httpx.ReadError("cut"), id="the-answer-was-lost"),
        pytest.param(httpx.Response(502, text="<html>"), id="a-proxy-without-a-server"),
        pytest.param(problem("database-unavailable", 503), id="no-database"),
    ],
)
def test_what_passes_is_waited_for(passing: httpx.Response | Exception) -> None:
    assert paired(iter([passing, TOKEN])) == "lw_secret"


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(lambda: iter([problem("expired-token")]), id="told-so"),
        pytest.param(lambda: (problem("authorization-pending") for _ in range(100)), id="by-its-own-clock"),
    ],
)
def test_a_code_that_nobody_types_ends_the_wait(answers: Callable[[], Iterator[httpx.Response]]) -> None:
    with pytest.raises(ServerRefused, match="in time"):
        paired(answers())


def test_any_other_refusal_ends_it_with_its_reason() -> None:
    with pytest.raises(ServerRefused, match="bad-request, in words"):
        paired(iter([problem("bad-request")]))


@pytest.mark.parametrize(
    ("first", "error"),
    [
        pytest.param(httpx.ConnectError("refused"), ServerUnavailable, id="no-server"),
        pytest.param(problem("rate-limited", 429), ServerRefused, id="begun-too-often"),
        pytest.param(httpx.Response(404, text="<html>"), ServerRefused, id="another-server"),
    ],
)
def test_a_server_that_begins_nothing_is_told_of(first: httpx.Response | Exception, error: type[Exception]) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        if isinstance(first, Exception):
            raise first
        return first

    with (
        httpx.Client(base_url="https://voices.example", transport=httpx.MockTransport(answer)) as http,
        pytest.raises(error),
    ):
        pair(http, lambda _: None)
