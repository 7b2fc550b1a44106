"""The proofs of consent in a release: a salted leaf a clip, in a Merkle tree of the release's own. Pure.

A leaf says which recording and which line of clips.jsonl it is about, for which purposes its owner's consent was in
force, and which wording they had been shown. It says nothing of when, nor where in the ledger: that would tie a speaker
together across releases. Its salt derives from the speaker's voice key, and so cannot be made again once that is gone.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from corpus import ledger
from corpus.consent import NEEDS, StatedConsent
from corpus.words import Purpose
from export import manifest
from export.manifest import ReleasedClip

CONSENTS = "consent.jsonl"
PURPOSES = sorted(purpose.value for purpose in NEEDS[Purpose.PUBLISH])
SALT_LABEL = "release consent"


@dataclass(frozen=True, slots=True)
class Consents:
    """consent.jsonl, and the root that all of its proofs lead to."""

    text: str
    root: str


def salt_message(name: str, version: str, wav_filename: str) -> bytes:
    """What a speaker's voice key makes the salt of a leaf from, under `SALT_LABEL`."""
    return f"{name}/{version}/{wav_filename}".encode()


def leaf(clip: ReleasedClip, stated: StatedConsent) -> dict[str, object]:
    """What a leaf commits to."""
    line = manifest.format_clip(clip).rstrip("\n")
    return {
        "clip_line_sha256": hashlib.sha256(line.encode()).hexdigest(),
        "notice_version": stated.notice_version,
        "notice_wording_sha256": stated.wording_sha256,
        "purposes": PURPOSES,
        "wav_sha256": clip.sha256,
    }


def prove(clips: Sequence[tuple[ReleasedClip, str, StatedConsent]]) -> Consents:
    """Of each clip, the salt of its leaf, and the consent behind it. Leaves stand in the order of file names."""
    ordered = sorted(clips, key=lambda each: each[0].wav_filename)
    leaves = [leaf(clip, stated) for clip, _, stated in ordered]
    hashes = [ledger.leaf_hash(salt, content) for (_, salt, _), content in zip(ordered, leaves, strict=True)]
    tree = ledger.Tree(hashes)
    lines = [
        ledger.canonical(
            {
                "content": content,
                "index": index,
                "path": tree.inclusion(index),
                "salt": salt,
                "wav_filename": clip.wav_filename,
            }
        ).decode()
        for index, ((clip, salt, _), content) in enumerate(zip(ordered, leaves, strict=True))
    ]
    return Consents("".join(f"{line}\n" for line in lines), ledger.root(hashes))
