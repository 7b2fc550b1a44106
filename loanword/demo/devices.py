"""The demo's devices: each sends its owner's recordings with the client that `loanword upload` uses, four at a time."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import httpx

from corpus.errors import UploadStopped
from ingest import client as uploading
from loanword.demo.cast import Cast, Lender
from loanword.demo.recordings import Recording

AT_ONCE = 4
STORED = "stored"


@dataclass(frozen=True, slots=True)
class Answered:
    """What the server said to one upload: `stored`, or the type of its refusal."""

    recording: Recording
    answer: str
    utterance_id: str | None = None


def upload_all(url: str, cast: Cast) -> list[Answered]:
    """Every recording, through the device of its speaker; in the order of the manifest."""
    with httpx.Client(base_url=url, timeout=uploading.TIMEOUT) as client, ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(partial(_upload_own, client, cast), cast.recordings))


def upload_one(client: httpx.Client, lender: Lender, recording: Recording) -> Answered:
    """One upload through a device. Its idempotency key comes from the file's name and bytes."""
    device = uploading.Uploader(client, lender.device_token)
    given = uploading.Recording(recording.path, recording.transcript, recording.locale)
    try:
        sent = device.upload(given)
    except UploadStopped as told:
        return Answered(recording, told.problem)
    return Answered(recording, sent.problem or STORED, sent.utterance_id)


def _upload_own(client: httpx.Client, cast: Cast, recording: Recording) -> Answered:
    return upload_one(client, cast.lenders[recording.speaker], recording)
