"""The demo's devices: each sends its owner's recordings to `POST /v1/utterances`, four of them at a time."""

import base64
import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

import httpx

from loanword.demo.cast import Cast, Lender
from loanword.demo.recordings import Recording

AT_ONCE = 4
STORED = "stored"


@dataclass(frozen=True, slots=True)
class Answered:
    """What the server said to one upload: `stored`, or the type of its refusal."""

    recording: Recording
    key: str
    answer: str
    utterance_id: str | None


def upload_all(url: str, cast: Cast) -> list[Answered]:
    """Every recording, through the device of its speaker; in the order of the manifest."""
    with httpx.Client(base_url=url, timeout=60) as client, ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(partial(_upload_own, client, cast), cast.recordings))


def upload_again(url: str, cast: Cast, recording: Recording) -> Answered:
    """The same recording as a new utterance."""
    with httpx.Client(base_url=url, timeout=60) as client:
        return _upload_own(client, cast, recording)


def upload_one(client: httpx.Client, lender: Lender, recording: Recording, key: str) -> Answered:
    """One upload under an idempotency key, with what the device understood and a digest of the bytes."""
    body = recording.path.read_bytes()
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    headers = {
        "Authorization": f"Bearer {lender.device_token}",
        "Idempotency-Key": quote(key),
        "Repr-Digest": f"sha-256=:{digest}:",
        "Loanword-Locale": recording.locale,
        "Loanword-Transcript": quote(recording.transcript),
    }
    answer = client.post("/v1/utterances", content=body, headers=headers)
    if answer.is_success:
        return Answered(recording, key, STORED, answer.json()["id"])
    return Answered(recording, key, answer.json()["type"].rpartition(":")[2], None)


def _upload_own(client: httpx.Client, cast: Cast, recording: Recording) -> Answered:
    return upload_one(client, cast.lenders[recording.speaker], recording, key=secrets.token_hex(16))
