"""Decides whether a voice may be used: the one rule, over one account's consent events.

*A clip may be stored, processed, heard, exported or served only while the consent it rests on is in force for that
purpose.* The same rule stands as SQL in `corpus/queries.py` (`usable_clips`); a property test holds the two equal.
This module is pure: no clock, no database. Whatever it cannot prove, it refuses.

Events are in ledger order (`id`), which is the order they were committed in. A time is an aware UTC datetime.
An interval of consent is half open: it holds from `at`, and no longer at `expires_at`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from corpus.errors import CapturedBeforeConsent, ConsentExpired, ConsentNotGiven, ConsentWithdrawn, NoticeOutdated
from corpus.words import ConsentAct, Purpose

GRANTS = frozenset({ConsentAct.GIVEN, ConsentAct.RENEWED})

NEEDS: dict[Purpose, tuple[Purpose, ...]] = {
    Purpose.COLLECT: (Purpose.COLLECT,),
    Purpose.REVIEW: (Purpose.COLLECT, Purpose.REVIEW),
    Purpose.PUBLISH: (Purpose.COLLECT, Purpose.REVIEW, Purpose.PUBLISH),
    Purpose.DEMOGRAPHICS: (Purpose.COLLECT, Purpose.DEMOGRAPHICS),
}
"""For each purpose, all that must be in force: review only what may be kept, publish only what may be reviewed."""


@dataclass(frozen=True, slots=True)
class ConsentFact:
    """One consent event, as far as the rule needs it."""

    id: int
    purpose: Purpose
    act: ConsentAct
    at: datetime
    expires_at: datetime | None
    uploads_until: datetime | None
    """When uploads under this event's notice end, because a newer notice replaced it. None while it is the newest."""

    def holds_at(self, moment: datetime) -> bool:
        """Whether this event, were it the last one, puts consent in force at that moment."""
        begun = self.act in GRANTS and self.at <= moment
        return begun and (self.expires_at is None or moment < self.expires_at)


@dataclass(frozen=True, slots=True)
class StatedConsent:
    """The notice that an account's consent to publication rested on."""

    notice_version: str
    wording_sha256: str


def in_force(facts: Sequence[ConsentFact], purpose: Purpose, now: datetime) -> bool:
    """Whether the last event for the purpose grants it, has begun and has not run out."""
    of_purpose = [fact for fact in facts if fact.purpose is purpose]
    return bool(of_purpose) and of_purpose[-1].holds_at(now)


def may_use(
    facts: Sequence[ConsentFact], rests_on: int, captured_at: datetime, purpose: Purpose, now: datetime
) -> bool:
    """The one rule: `collect` without a gap from the capture until now, and all that the purpose needs in force now.

    `rests_on` is the id of the event that put `collect` in force when the recording was made.
    """
    unbroken = _unbroken(facts, rests_on, captured_at)
    return unbroken and all(in_force(facts, needed, now) for needed in NEEDS[purpose])


def consent_for_upload(facts: Sequence[ConsentFact], captured_at: datetime, now: datetime) -> ConsentFact:
    """The event that a recording made at `captured_at` and sent now rests on.

    Raises a `ConsentRefusal` whose type tells the device whether to ask again or to stop.
    """
    collect = [fact for fact in facts if fact.purpose is Purpose.COLLECT]
    if not collect or collect[-1].act is ConsentAct.REFUSED:
        raise ConsentNotGiven
    last = collect[-1]
    if last.act is ConsentAct.WITHDRAWN:
        raise ConsentWithdrawn
    if not last.holds_at(now):
        raise ConsentExpired
    if last.uploads_until is not None and now >= last.uploads_until:
        raise NoticeOutdated
    base = next((fact for fact in reversed(collect) if fact.at <= captured_at), None)
    if base is None or not _unbroken(facts, base.id, captured_at):
        raise CapturedBeforeConsent
    return base


def _unbroken(facts: Sequence[ConsentFact], rests_on: int, captured_at: datetime) -> bool:
    """Whether `collect` held at the capture, and each later event renewed it in time."""
    chain = [fact for fact in facts if fact.purpose is Purpose.COLLECT and fact.id >= rests_on]
    if not chain or chain[0].id != rests_on or not chain[0].holds_at(captured_at):
        return False
    return all(after.act is ConsentAct.RENEWED and _in_time(before, after) for before, after in pairwise(chain))


def _in_time(before: ConsentFact, after: ConsentFact) -> bool:
    return before.expires_at is None or after.at < before.expires_at
