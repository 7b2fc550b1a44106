"""What a stage says of a clip: keep it, or drop it for a reason."""

from dataclasses import dataclass
from enum import StrEnum


class DropReason(StrEnum):
    """Why a stage drops a clip."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    SILENT = "silent"
    TOO_QUIET = "too_quiet"
    CLIPPED = "clipped"
    TOO_NOISY = "too_noisy"
    NO_SPEECH = "no_speech"
    PERSONAL_DATA = "personal_data"
    """It said nothing else."""
    DUPLICATE = "duplicate"
    SHARED_ACROSS_ACCOUNTS = "shared_across_accounts"


@dataclass(frozen=True, slots=True)
class Keep:
    """The stage has nothing against the clip."""


@dataclass(frozen=True, slots=True)
class Drop:
    """The clip is unfit, and why."""

    reason: DropReason


Verdict = Keep | Drop


@dataclass(frozen=True, slots=True)
class StageVerdict:
    """One stage's verdict, with the stage and the version of its rule, so that a later run explains itself."""

    stage: str
    version: int
    verdict: Verdict
