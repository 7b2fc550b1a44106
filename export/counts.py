"""What is in a release, counted, and what its maker should know before publishing it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from corpus.audio import RATE_HZ
from corpus.words import Split
from export.policy import NO_LICENCE_ID, Policy


@dataclass(frozen=True, slots=True)
class Counted:
    """The clips of one split, or of all."""

    clips: int
    speakers: int
    samples: int

    @property
    def duration_s(self) -> float:
        return self.samples / RATE_HZ

    @property
    def hours(self) -> float:
        return self.duration_s / 3600


class WarningName(StrEnum):
    EMPTY_SPLIT = "empty_split"
    UNMET_MINIMUM = "unmet_minimum"
    NO_LICENCE = "no_licence"
    DISGUISE_NOT_MEASURED = "disguise_not_measured"


@dataclass(frozen=True, slots=True)
class ReleaseWarning:
    """Not wrong, but not what one expects. `split` is None where it is about the whole."""

    name: WarningName
    split: Split | None
    message: str


def count(clips: Iterable[tuple[Split, str, int]]) -> dict[Split, Counted]:
    """By split, from each clip's split, speaker and samples. All three splits are there."""
    speakers: dict[Split, set[str]] = {split: set() for split in Split}
    numbers, samples = dict.fromkeys(Split, 0), dict.fromkeys(Split, 0)
    for split, speaker, length in clips:
        speakers[split].add(speaker)
        numbers[split] += 1
        samples[split] += length
    return {split: Counted(numbers[split], len(speakers[split]), samples[split]) for split in Split}


def total(by_split: Mapping[Split, Counted]) -> Counted:
    """Speakers add up, since none is in two splits."""
    parts = by_split.values()
    return Counted(
        sum(part.clips for part in parts), sum(part.speakers for part in parts), sum(part.samples for part in parts)
    )


def warnings(by_split: Mapping[Split, Counted], policy: Policy) -> tuple[ReleaseWarning, ...]:
    found = []
    for split, counted in by_split.items():
        wanted = policy.min_speakers.get(split, 0)
        if counted.clips == 0:
            found.append(ReleaseWarning(WarningName.EMPTY_SPLIT, split, _empty(split, by_split, policy)))
        if counted.speakers < wanted:
            message = f"The split {split} has {counted.speakers} of the {wanted} speakers that the policy asks for."
            found.append(ReleaseWarning(WarningName.UNMET_MINIMUM, split, message))
    if policy.licence_id == NO_LICENCE_ID:
        found.append(ReleaseWarning(WarningName.NO_LICENCE, None, "The policy states no licence."))
    if policy.disguise and not (policy.disguise.figures and policy.disguise.figures.attacks):
        message = "The voices are disguised, and nobody has measured how far: see `loanword evaluate disguise`."
        found.append(ReleaseWarning(WarningName.DISGUISE_NOT_MEASURED, None, message))
    return tuple(found)


def _empty(split: Split, by_split: Mapping[Split, Counted], policy: Policy) -> str:
    """Few speakers are the usual reason, unless the policy wants nobody there."""
    message = f"The split {split} is empty."
    if policy.shares[split] == 0 and not policy.min_speakers.get(split):
        return message
    speakers = total(by_split).speakers
    if not speakers:
        return message
    told = "1 speaker" if speakers == 1 else f"{speakers} speakers"
    return (
        f"{message} Each speaker stands in one split alone, and this release has {told}: it takes more, and "
        "`min_speakers` in its policy says where new ones go first."
    )
