"""The demo's curator, who does not listen: accepts with the transcript that came with a recording, through the API."""

from collections import Counter

import httpx

from corpus.words import Decision, RejectReason


def review_all(client: httpx.Client, token: str) -> Counter[str]:
    """Judges every clip that waits; returns how often each judgement was made.

    A clip without a transcript, with one that cannot be written in the alphabet, or with words that may be personal
    data, is rejected.
    """
    client.headers["Authorization"] = f"Bearer {token}"
    judgements: Counter[str] = Counter()
    while (offer := client.get("/v1/review/next").raise_for_status()).status_code == httpx.codes.OK:
        clip = offer.json()
        client.get(clip["audio_url"]).raise_for_status()
        judgements[_judge(client, clip["clip_id"], (clip["hypothesis"] or {}).get("text"))] += 1
    return judgements


def _judge(client: httpx.Client, clip_id: str, transcript: str | None) -> str:
    address = f"/v1/review/clips/{clip_id}"
    if transcript:
        accepted = client.post(address, json={"decision": Decision.ACCEPT, "transcript": transcript})
        if accepted.is_success:
            return "accepted"
        if accepted.status_code == httpx.codes.CONFLICT and ":personal-data-" in accepted.json()["type"]:
            reason = RejectReason.PERSONAL_DATA  # nobody listens here, who could decide
            client.post(address, json={"decision": Decision.REJECT, "reason": reason}).raise_for_status()
            return "rejected: it may hold personal data"
        if accepted.status_code != httpx.codes.BAD_REQUEST:
            accepted.raise_for_status()
    client.post(address, json={"decision": Decision.REJECT, "reason": RejectReason.OTHER}).raise_for_status()
    return "rejected: the transcript needs more than the alphabet" if transcript else "rejected: no transcript"
