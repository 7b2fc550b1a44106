"""Decides what to call the state that a recording is in. Pure; the pages put it into a contributor's words."""

from dataclasses import dataclass
from enum import StrEnum

from corpus.words import Decision, Outcome, RejectReason

ACROSS_ACCOUNTS = "shared_across_accounts"
SETS_ASIDE = frozenset({RejectReason.CHILD_OR_BYSTANDER, RejectReason.PERSONAL_DATA, RejectReason.SECOND_SPEAKER})
"""Reasons of curators that take a clip out of every use."""


class ClipState(StrEnum):
    """Where a recording is on its way, or how the way ended."""

    WAITING = "waiting"
    COMPARED = "compared"
    DROPPED = "dropped"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    KEPT = "kept"
    QUEUED = "queued"
    IN_REVIEW = "in_review"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known of a recording. `outcome` is None while its clip, if there is one, is not decided on."""

    measured: bool
    outcome: Outcome | None = None
    reason: str | None = None
    decision: Decision | None = None
    reject_reason: RejectReason | None = None
    leased: bool = False
    may_be_reviewed: bool = False

    def why(self) -> str | None:
        """The reason of the curator, or else of the stage, that took it out."""
        return self.reject_reason or self.reason


def state_of(progress: Progress) -> ClipState:
    """The one state, from the end of the way backwards."""
    if progress.decision is Decision.ACCEPT:
        return ClipState.ACCEPTED
    if progress.decision is Decision.REJECT:
        return ClipState.QUARANTINED if progress.reject_reason in SETS_ASIDE else ClipState.REJECTED
    if not progress.measured:
        return ClipState.WAITING
    if progress.outcome is None:
        return ClipState.COMPARED
    if progress.outcome is Outcome.FAILED:
        return ClipState.FAILED
    if progress.outcome is Outcome.DROPPED:
        return ClipState.QUARANTINED if progress.reason == ACROSS_ACCOUNTS else ClipState.DROPPED
    return _kept(progress)


def _kept(progress: Progress) -> ClipState:
    if not progress.may_be_reviewed:
        return ClipState.KEPT
    return ClipState.IN_REVIEW if progress.leased else ClipState.QUEUED
