"""Sends recordings to a Loanword server, as a device would: once each, whatever happens on the way.

What is done is written down in a spool file, one JSON line a recording, fsynced after each answer, so that a run that
was killed goes on where it stopped. The idempotency key comes from a recording's name and bytes: if the
answer was lost, the retry gets the same one, and there is still one utterance.
"""

import hashlib
import json
import os
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

import httpx

from corpus.errors import ServerUnavailable, UploadStopped
from ingest import digests
from ingest.metadata import HEADERS

TIMEOUT = httpx.Timeout(60.0, connect=10.0)
ATTEMPTS = 8
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
STOPS_ALL = frozenset({401, 403})
DROPS_ONE = frozenset({"captured-before-consent"})
"""A 403 that is about this recording; any other is about the device or its owner, and ends the run."""
NEEDS_PAIRING = frozenset({"unauthenticated", "scope-missing", "token-of-no-device"})
TYPE_PREFIX = "urn:loanword:problem:"


class Fate(StrEnum):
    """How a recording ended."""

    STORED = "stored"
    REFUSED = "refused"
    SENT_BEFORE = "sent before"
    REFUSED_BEFORE = "refused before"


@dataclass(frozen=True, slots=True)
class Recording:
    """A file to send, and what is known of it."""

    path: Path
    transcript: str | None = None
    locale: str | None = None
    captured_at: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a recording. `problem` is why the server refused it."""

    recording: Recording
    fate: Fate
    utterance_id: str | None = None
    problem: str | None = None

    @property
    def refused(self) -> bool:
        """Now, or in an earlier run."""
        return self.fate in (Fate.REFUSED, Fate.REFUSED_BEFORE)


class Uploader:
    """Sends recordings with one device's token. `pause` waits for some seconds; a test gives it one that does not."""

    def __init__(self, http: httpx.Client, token: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._http = http
        self._token = token
        self._pause = pause

    def upload(self, recording: Recording) -> Sent:
        """Raises `UploadStopped` where the server says stop, and `ServerUnavailable`."""
        body = recording.path.read_bytes()
        answer = self._send(body, self._headers(recording, body))
        if answer.status_code == httpx.codes.CREATED:
            return Sent(recording, Fate.STORED, utterance_id=answer.json()["id"])
        problem, detail = _problem(answer)
        if answer.status_code in STOPS_ALL and problem not in DROPS_ONE:
            if problem in NEEDS_PAIRING:
                detail = "The server takes no recordings with this token: run `loanword device pair`, and give none."
            raise UploadStopped(problem, detail)
        return Sent(recording, Fate.REFUSED, problem=problem)

    def _send(self, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        for attempt in range(ATTEMPTS):
            retry_after = None
            try:
                answer = self._http.post("/v1/utterances", content=body, headers=headers)
            except httpx.TransportError:
                pass
            else:
                if answer.status_code not in RETRIED:
                    return answer
                retry_after = answer.headers.get("retry-after", "")
            if attempt + 1 < ATTEMPTS:
                self._pause(_pause_s(attempt, retry_after))
        raise ServerUnavailable

    def _headers(self, recording: Recording, body: bytes) -> dict[str, str]:
        said = {
            "transcript": recording.transcript,
            "locale": recording.locale,
            "captured_at": recording.captured_at,
        }
        return {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/octet-stream",
            "Idempotency-Key": idempotency_key(recording.path.name, body),
            "Repr-Digest": digests.header_for(body),
            **{HEADERS[name]: quote(value, safe=":-+ ") for name, value in said.items() if value},
        }


class Spool:
    """What is done, one JSON line each: a recording that stands here is not sent again, be it stored or refused."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._done = {line["key"]: line for line in _lines(path)}

    def before(self, recording: Recording) -> Sent | None:
        """What became of it in an earlier run; None where it was not sent."""
        line = self._done.get(self._key(recording))
        if line is None:
            return None
        fate = Fate.REFUSED_BEFORE if line.get("fate") == Fate.REFUSED else Fate.SENT_BEFORE
        return Sent(recording, fate, line.get("utterance"), line.get("problem"))

    def add(self, sent: Sent) -> None:
        """Durable when it returns."""
        key = self._key(sent.recording)
        line = {"key": key, "fate": sent.fate.value, "utterance": sent.utterance_id, "problem": sent.problem}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._done[key] = line

    def _key(self, recording: Recording) -> str:
        return idempotency_key(recording.path.name, recording.path.read_bytes())


def upload_all(
    recordings: Iterable[Recording], uploader: Uploader, spool: Spool, progress: Callable[[Sent], None]
) -> list[Sent]:
    """Sends what is not done yet, in order; tells `progress` of each. Raises what `Uploader.upload` raises."""
    sent = []
    for recording in recordings:
        outcome = spool.before(recording)
        if outcome is None:
            outcome = uploader.upload(recording)
            spool.add(outcome)
        sent.append(outcome)
        progress(outcome)
    return sent


def idempotency_key(name: str, body: bytes) -> str:
    """The same for the same recording on every run."""
    return hashlib.sha256(name.encode() + b"\0" + body).hexdigest()


def _problem(answer: httpx.Response) -> tuple[str, str]:
    """(type without its prefix, detail), whatever a proxy made of it."""
    try:
        told = answer.json()
        return str(told["type"]).removeprefix(TYPE_PREFIX), str(told.get("detail", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"status-{answer.status_code}", answer.reason_phrase


def _pause_s(attempt: int, retry_after: str | None) -> float:
    """Twice as long each time and never in step with other devices; as long as the server asks where it does."""
    if retry_after and retry_after.isdigit():
        return min(float(retry_after), LONGEST_PAUSE_S) + random.uniform(0, FIRST_PAUSE_S)  # noqa: S311 — no secret
    return min(FIRST_PAUSE_S * 2.0**attempt, LONGEST_PAUSE_S) * random.uniform(0.5, 1.0)  # noqa: S311 — no secret


def _lines(path: Path) -> list[dict[str, str | None]]:
    """A last line that a crash cut short is as good as none."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue
    return lines
