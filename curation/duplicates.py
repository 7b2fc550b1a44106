"""Decides among clips of the very same audio: who keeps it. Pure.

A worker measures (a keyed digest of the PCM); this decides over the group of one digest, and decides again when the
group changes. The verdict depends on the set alone, never on the order in which its members came to light.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from corpus.words import AccountId, ClipId, UtteranceId
from curation.verdict import Drop, DropReason, Keep, Verdict

STAGE = "duplicates"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Member:
    """One clip of a group that shares a digest."""

    clip_id: ClipId
    account_id: AccountId
    utterance_id: UtteranceId
    received_at: datetime


def decide(group: Iterable[Member]) -> dict[ClipId, Verdict]:
    """A verdict for each clip of one digest. Give only clips that may be used now: the others are nobody's copies."""
    members = sorted(group, key=lambda member: (member.received_at, member.utterance_id))
    # The same audio from two accounts (a broadcast, a synthetic voice) is nobody's to lend: drop them all.
    if len({member.account_id for member in members}) > 1:
        return {member.clip_id: Drop(DropReason.SHARED_ACROSS_ACCOUNTS) for member in members}
    # The same audio twice from one account: the earliest stays.
    return {
        member.clip_id: Keep() if place == 0 else Drop(DropReason.DUPLICATE) for place, member in enumerate(members)
    }
