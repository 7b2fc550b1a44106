"""Decides in which split a speaker stands: speaker-disjoint, and for good.

A speaker's position is an HMAC of the account under a secret key, in [0, 1), against the cumulative shares: nobody can
tell from the published seed where a person stands, adding speakers moves nobody, the order of input changes nothing.
A speaker once assigned stays, whatever the shares are now: else a test voice of one version would train the next.
"""

import hmac
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from corpus.words import AccountId, Split

FILLED_FIRST = (Split.DEV, Split.TEST, Split.TRAIN)
"""The order in which splits short of their minimum take new speakers: the small ones, which are empty without."""


def assign(
    speakers: Collection[AccountId],
    assigned: Mapping[AccountId, Split],
    *,
    key: bytes,
    shares: Mapping[Split, float],
    min_speakers: Mapping[Split, int],
) -> dict[AccountId, Split]:
    """The split of each of these speakers.

    Only speakers not in `assigned` are placed. First the splits below their minimum take what they lack, beginning with
    those who belong there anyway; a minimum that runs out of new speakers stays unmet.
    """
    placed = {speaker: assigned[speaker] for speaker in speakers if speaker in assigned}
    filled = Counter(placed.values())
    waiting = in_hmac_order((speaker for speaker in set(speakers) if speaker not in assigned), key)
    natural = {speaker: split_at(position(key, speaker), shares) for speaker in waiting}
    for split in FILLED_FIRST:
        missing = max(0, min_speakers.get(split, 0) - filled[split])
        chosen = sorted(waiting, key=lambda speaker: natural[speaker] is not split)[:missing]
        placed |= dict.fromkeys(chosen, split)
        waiting = [speaker for speaker in waiting if speaker not in placed]
    return placed | {speaker: natural[speaker] for speaker in waiting}


def in_hmac_order(speakers: Iterable[AccountId], key: bytes) -> list[AccountId]:
    return sorted(speakers, key=lambda speaker: (position(key, speaker), speaker))


def position(key: bytes, speaker: AccountId) -> float:
    """In [0, 1): the first 52 bits of HMAC-SHA256, which a float holds exactly."""
    digest = hmac.digest(key, speaker.encode(), "sha256")
    return (int.from_bytes(digest[:8], "big") >> 12) / (1 << 52)


def split_at(position: float, shares: Mapping[Split, float]) -> Split:
    """Where a position falls on the shares laid end to end: train, dev, test. A share of nothing holds nobody."""
    end = 0.0
    inhabited = [split for split in Split if shares[split] > 0]
    for split in inhabited:
        end += shares[split]
        if position < end:
            return split
    return inhabited[-1]  # the shares add up to a hair less than 1
