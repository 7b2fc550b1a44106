"""Decides among clips of the same recording: who keeps it. Pure.

A set is what hangs together by equal PCM (a keyed digest) and by pairs that were found to be the same recording in
another form (`curation.same_recording`). It is decided again when it changes: where a bridge between two members is
erased, it falls apart. The verdict depends on the set alone, never on the order in which its members came to light.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from corpus.words import AccountId, ClipId, UtteranceId
from curation.verdict import Drop, DropReason, Keep, Verdict

STAGE = "duplicates"
VERSION = 3


@dataclass(frozen=True, slots=True)
class Member:
    """One clip of a set. `published_at` is of the first release that held it, if any did."""

    clip_id: ClipId
    account_id: AccountId
    utterance_id: UtteranceId
    received_at: datetime
    published_at: datetime | None = None
    quality: float = 0.0
    """Higher is better, and the same for the same PCM: which of several copies to train on."""


def quality(snr_db: float | None, sounding_s: float | None) -> float:
    """Whole decibels of signal to noise first, 40 at most, then how much of it sounds: a trimmed copy has less."""
    return round(min(snr_db or 0.0, 40.0)) + min(round(sounding_s or 0.0, 1), 60.0) / 100


def sets(digests: Iterable[tuple[ClipId, str]], pairs: Iterable[tuple[ClipId, ClipId]]) -> list[frozenset[ClipId]]:
    """What hangs together by equal digests and by pairs, in no order; a pair with a clip that is not there is none."""
    digest_of = dict(digests)
    neighbours, of_digest = defaultdict[ClipId, set[ClipId]](set), defaultdict[str, list[ClipId]](list)
    for clip_id, digest in digest_of.items():
        of_digest[digest].append(clip_id)
    for one, other in pairs:
        if one in digest_of and other in digest_of:
            neighbours[one].add(other)
            neighbours[other].add(one)
    found, left = list[frozenset[ClipId]](), set(digest_of)
    while left:
        reached, waiting = set[ClipId](), [next(iter(left))]
        while waiting:
            clip_id = waiting.pop()
            if clip_id not in reached:
                reached.add(clip_id)
                waiting += of_digest.pop(digest_of[clip_id], []) + list(neighbours[clip_id])
        left -= reached
        found.append(frozenset(reached))
    return found


def decide(group: Iterable[Member]) -> dict[ClipId, Verdict]:
    """A verdict for each clip of one set. Give only clips that may be used now: the others are nobody's copies."""
    members = sorted(group, key=_best_first)
    owner = _owner(members)
    # The same audio from two accounts (a broadcast, a synthetic voice) is nobody's to lend, unless one of them was
    # published before the other came: anybody may send what was published, and takes it from nobody.
    verdicts: dict[ClipId, Verdict] = {
        member.clip_id: Drop(DropReason.SHARED_ACROSS_ACCOUNTS) for member in members if member.account_id != owner
    }
    # The same audio twice from one account: the best stays.
    for place, member in enumerate(each for each in members if each.account_id == owner):
        verdicts[member.clip_id] = Keep() if place == 0 else Drop(DropReason.DUPLICATE)
    return verdicts


def _best_first(member: Member) -> tuple[bool, datetime, float, datetime, UtteranceId]:
    """What was published first, for it is out there; then the better one; then the earlier."""
    never = datetime.max.replace(tzinfo=member.received_at.tzinfo)
    return (
        member.published_at is None,
        member.published_at or never,
        -member.quality,
        member.received_at,
        member.utterance_id,
    )


def _owner(members: Sequence[Member]) -> AccountId | None:
    """The one account that has it, or the one that had published it before it came from any other."""
    accounts = {member.account_id for member in members}
    if len(accounts) <= 1:
        return next(iter(accounts), None)
    published = {member.account_id for member in members if member.published_at is not None}
    if len(published) != 1:
        return None
    (owner,) = published
    published_at = min(member.published_at for member in members if member.published_at is not None)
    came_later = all(member.received_at >= published_at for member in members if member.account_id != owner)
    return owner if came_later else None
