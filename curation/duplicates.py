"""Decides among clips of the very same audio: who keeps it. Pure.

A worker measures (a keyed digest of the PCM); this decides over the group of one digest, and decides again when the
group changes. The verdict depends on the set alone, never on the order in which its members came to light.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from corpus.words import AccountId, ClipId, UtteranceId
from curation.verdict import Drop, DropReason, Keep, Verdict

STAGE = "duplicates"
VERSION = 2


@dataclass(frozen=True, slots=True)
class Member:
    """One clip of a group that shares a digest. `published_at` is of the first release that held it, if any did."""

    clip_id: ClipId
    account_id: AccountId
    utterance_id: UtteranceId
    received_at: datetime
    published_at: datetime | None = None


def decide(group: Iterable[Member]) -> dict[ClipId, Verdict]:
    """A verdict for each clip of one digest. Give only clips that may be used now: the others are nobody's copies."""
    members = sorted(group, key=lambda member: (member.received_at, member.utterance_id))
    owner = _owner(members)
    # The same audio from two accounts (a broadcast, a synthetic voice) is nobody's to lend, unless one of them was
    # published before the other came: anybody may send what was published, and takes it from nobody.
    verdicts: dict[ClipId, Verdict] = {
        member.clip_id: Drop(DropReason.SHARED_ACROSS_ACCOUNTS) for member in members if member.account_id != owner
    }
    # The same audio twice from one account: the earliest stays.
    for place, member in enumerate(each for each in members if each.account_id == owner):
        verdicts[member.clip_id] = Keep() if place == 0 else Drop(DropReason.DUPLICATE)
    return verdicts


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
