"""The device's side of pairing by code: shows the code, then polls until its owner typed it (RFC 8628, section 3.5)."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from corpus.errors import ServerRefused, ServerUnavailable
from corpus.web.problems import TYPE_PREFIX

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
SLOWER_S = 5.0
PENDING, SLOW_DOWN, EXPIRED = "authorization-pending", "slow-down", "expired-token"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the device shows to its owner."""

    user_code: str
    address: str
    address_with_code: str
    expires_in_s: float


def pair(http: httpx.Client, show: Callable[[Shown], None], pause: Callable[[float], None] = time.sleep) -> str:
    """The device's token. Raises `ServerUnavailable` and `ServerRefused`, also where nobody typed the code in time."""
    try:
        begun = _asked(http.post("/v1/pairings"))
    except httpx.TransportError as error:
        raise ServerUnavailable from error
    shown = Shown(
        str(begun["user_code"]),
        str(begun["verification_uri"]),
        str(begun["verification_uri_complete"]),
        float(begun["expires_in"]),
    )
    show(shown)
    interval_s, waited_s = float(begun["interval"]), 0.0
    while waited_s < shown.expires_in_s:
        pause(interval_s)
        waited_s += interval_s
        try:
            answer = http.post("/v1/pairings/token", json={"device_code": begun["device_code"]})
        except httpx.TransportError:  # the token may have been on its way: asking again gives another
            continue
        problem = _problem(answer)
        if problem == SLOW_DOWN:
            interval_s += SLOWER_S
        elif problem == EXPIRED:
            break
        elif problem != PENDING and not answer.is_server_error:
            return str(_asked(answer)["token"])
    raise ServerRefused("Nobody typed the code in time: begin again.")


def _asked(answer: httpx.Response) -> dict[str, str | float]:
    if answer.is_success:
        said: dict[str, str | float] = answer.json()
        return said
    raise ServerRefused(_told(answer).get("detail") or f"The server answered {answer.status_code}.")


def _problem(answer: httpx.Response) -> str:
    return _told(answer).get("type", "").removeprefix(TYPE_PREFIX) if answer.is_error else ""


def _told(answer: httpx.Response) -> dict[str, str]:
    """A problem, whatever a proxy made of it."""
    try:
        told = answer.json()
    except ValueError:
        return {}
    return {name: str(value) for name, value in told.items()} if isinstance(told, dict) else {}
