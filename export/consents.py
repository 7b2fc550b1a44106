"""The proofs of consent in a release: a salted leaf a clip, in a Merkle tree of the release's own. Pure.

A leaf says which recording and which line of clips.jsonl it is about, for which purposes its owner's consent was in
force, and which wording they had been shown. It says nothing of when, nor where in the ledger: that would tie a speaker
together across releases. Its salt derives from the speaker's voice key, and so cannot be made again once that is gone.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from corpus import ledger
from corpus.consent import NEEDS, StatedConsent
from corpus.words import Purpose
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


@dataclass(frozen=True, slots=True)
class Consented:
    """A clip and its line of clips.jsonl, the salt of its leaf, and the consent behind it."""

    clip: ReleasedClip
    line: str
    salt: str
    stated: StatedConsent


def leaf(of: Consented) -> dict[str, object]:
    """What a leaf commits to."""
    clip, stated = of.clip, of.stated
    return {
        "clip_line_sha256": hashlib.sha256(of.line.removesuffix("\n").encode()).hexdigest(),
        "notice_version": stated.notice_version,
        "notice_wording_sha256": stated.wording_sha256,
        "purposes": PURPOSES,
        "wav_sha256": clip.sha256,
    }


def prove(clips: Iterable[Consented]) -> Consents:
    """Leaves stand in the order of file names."""
    ordered = sorted(clips, key=lambda each: each.clip.wav_filename)
    leaves = list(map(leaf, ordered))
    hashes = [ledger.leaf_hash(each.salt, content) for each, content in zip(ordered, leaves, strict=True)]
    tree = ledger.Tree(hashes)
    lines = [
        ledger.canonical(
            {
                "content": content,
                "index": index,
                "path": tree.inclusion(index),
                "salt": each.salt,
                "wav_filename": each.clip.wav_filename,
            }
        ).decode()
        for index, (each, content) in enumerate(zip(ordered, leaves, strict=True))
    ]
    return Consents("".join(f"{line}\n" for line in lines), ledger.root(hashes))
