"""Counts what the curation report tells: clips in the database, and who speaks in batches, with their keys."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta

import structlog

import curation.queries
from corpus.collaborators import Collaborators
from corpus.demographics import Field, opened
from corpus.errors import AccountKeyError, KeyDestroyed
from corpus.keys import KeyKind
from corpus.small_cells import FEWEST, coarsened
from corpus.words import AccountId, Decision, Outcome
from curation import duplicates, pipeline
from curation.measurements import VERSION
from curation.report import queries
from curation.report.facts import (
    Because,
    Bin,
    Clips,
    Day,
    Group,
    Histogram,
    Outcomes,
    Reviews,
    SetSize,
    Speakers,
    Stage,
    Waits,
    hours,
    tell_field,
)
from curation.report.measures import EDGES, LARGEST_SET, Measure
from curation.report.queries import Ending, Speaker

SPEAKERS_AT_ONCE = 200
"""Whose keys are unwrapped in one batch, one after the other."""
DAYS = 14

log = structlog.get_logger()


def count_clips(house: Collaborators) -> Clips:
    with house.database.reading() as session:
        now = house.clock()
        ended = queries.endings(session, now)
    return Clips(
        at=now,
        outcomes=outcomes(ended),
        waits=waits(house, ended, now),
        days=days(house, now),
        histograms=histograms(ended),
        sets=sets(house, now),
        reviews=reviews(house, now),
        stages=stages(),
    )


def outcomes(ended: Sequence[Ending]) -> Outcomes:
    def of(outcome: Outcome | None) -> list[Ending]:
        return [each for each in ended if each.outcome is outcome]

    def because(outcome: Outcome) -> list[Because]:
        reasons = [Because(each.reason or "", each.clips) for each in of(outcome)]
        return sorted(reasons, key=lambda each: (-each.clips, each.reason))

    return Outcomes(
        clips=sum(each.clips for each in ended),
        kept=sum(each.clips for each in of(Outcome.KEPT)),
        dropped=sum(each.clips for each in of(Outcome.DROPPED)),
        failed=sum(each.clips for each in of(Outcome.FAILED)),
        undecided=sum(each.clips for each in of(None)),
        kept_hours=hours(sum(each.samples for each in of(Outcome.KEPT))),
        dropped_because=because(Outcome.DROPPED),
        failed_with=because(Outcome.FAILED),
    )


def histograms(ended: Sequence[Ending]) -> list[Histogram]:
    clips = sum(each.clips for each in ended)
    found = []
    for measure in Measure:
        kept, other = (
            [sum(of_bin) for of_bin in zip(*(each.bins[measure] for each in ended if is_kept(each)), strict=True)]
            or [0] * (len(EDGES[measure]) + 1)
            for is_kept in (_is_kept, _is_not_kept)
        )
        bounds = queries.bounds(EDGES[measure])
        bins = [Bin(*bound, *counts) for bound, *counts in zip(bounds, kept, other, strict=True)]
        found.append(Histogram(measure, bins, clips - sum(kept) - sum(other)))
    return found


def _is_kept(each: Ending) -> bool:
    return each.outcome is Outcome.KEPT


def _is_not_kept(each: Ending) -> bool:
    return each.outcome is not Outcome.KEPT


def waits(house: Collaborators, ended: Sequence[Ending], now: datetime) -> Waits:
    with house.database.reading() as session:
        queue = queries.queue(session, now)
        return Waits(
            to_be_measured=curation.queries.count_waiting(session, now),
            to_be_judged_again=curation.queries.count_stale(
                session, now, version=VERSION, rules=pipeline.rules(pipeline.STAGES)
            ),
            to_be_decided=sum(each.clips for each in ended if each.outcome is None),
            to_be_reviewed=queue.waiting,
            to_be_reviewed_by_several=queue.by_several,
            oldest_for_review=queue.oldest_at,
        )


def days(house: Collaborators, now: datetime) -> list[Day]:
    """The last `DAYS` of them, today's the last and not over yet."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    begins = [midnight - timedelta(days=back) for back in reversed(range(DAYS))]
    with house.database.reading() as session:
        found = queries.per_day(session, [(each, each + timedelta(days=1)) for each in begins], now)
    return [
        Day(each.date(), of.received, of.kept, of.dropped, of.failed, of.undecided, of.reviewed)
        for each, of in zip(begins, found, strict=True)
    ]


def sets(house: Collaborators, now: datetime) -> list[SetSize]:
    with house.database.reading() as session:
        return [
            SetSize(each.size, each.size >= LARGEST_SET, each.sets, each.across_accounts)
            for each in queries.sets_by_size(session, now)
        ]


def reviews(house: Collaborators, now: datetime) -> Reviews:
    with house.database.reading() as session:
        decided = queries.decisions(session, now)
    rejected = [Because(str(reason), clips) for (each, reason), clips in decided.items() if each is Decision.REJECT]
    return Reviews(
        accepted=sum(clips for (each, _), clips in decided.items() if each is Decision.ACCEPT),
        rejected=sum(each.clips for each in rejected),
        rejected_because=sorted(rejected, key=lambda each: (-each.clips, each.reason)),
    )


def stages() -> list[Stage]:
    """As this process would judge."""
    found = [Stage(each.name, each.version, _thresholds(each)) for each in pipeline.STAGES]
    return [*found, Stage(duplicates.STAGE, duplicates.VERSION, {})]


def _thresholds(stage: object) -> dict[str, float | int | str]:
    assert is_dataclass(stage)
    values = {each.name: getattr(stage, each.name) for each in fields(stage) if each.name not in {"name", "version"}}
    return {name: value if isinstance(value, float | int) else str(value) for name, value in values.items()}


def speakers(house: Collaborators, *, at_once: int = SPEAKERS_AT_ONCE) -> Speakers:
    """Who speaks in what is kept. Asked anew at the end: who agrees to it no more by then has told nothing."""
    told, samples = dict[AccountId, Mapping[Field, str]](), dict[AccountId, int]()
    for ids in _in_batches(house, at_once):
        with house.database.reading() as session:
            batch = queries.speakers(session, ids, house.clock())
        opened_now = {each.account_id: _answers(house, each) for each in batch}
        with house.database.reading() as session:
            agree = {each.account_id: each.samples for each in queries.speakers(session, ids, house.clock())}
        told |= {account_id: opened_now[account_id] for account_id in agree if account_id in opened_now}
        samples |= {account_id: agree[account_id] for account_id in agree if account_id in opened_now}
    with house.database.reading() as session:
        now = house.clock()
        kept_samples, people = queries.kept_sound(session, now)
    others = Group(max(0, people - len(told)), max(0, kept_samples - sum(samples.values())))
    return Speakers(now, FEWEST, [tell_field(field, _groups(told, samples, field, others), others) for field in Field])


def _groups(
    told: Mapping[AccountId, Mapping[Field, str]], samples: Mapping[AccountId, int], field: Field, others: Group
) -> dict[str | None, Group]:
    """By the answer as it may be told, and None."""
    coarse = coarsened({account_id: of.get(field) for account_id, of in told.items()}, others=others.people)
    groups = dict[str | None, Group]()
    for account_id, answer in coarse.items():
        so_far = groups.get(answer, Group(0, 0))
        groups[answer] = Group(so_far.people + 1, so_far.samples + samples[account_id])
    return groups


def _in_batches(house: Collaborators, at_once: int) -> Iterator[list[AccountId]]:
    after = AccountId("")
    while True:
        with house.database.reading() as session:
            ids = queries.who_told(session, after=after, limit=at_once)
        if not ids:
            return
        yield ids
        after = ids[-1]


def _answers(house: Collaborators, speaker: Speaker) -> Mapping[Field, str]:
    """One key at a time, and none kept. Whose key is gone, or whose answer cannot be opened, told nothing."""
    try:
        return opened(house.keyring.unwrap(speaker.account_id, speaker.voice_key_id, KeyKind.VOICE), speaker.sealed)
    except KeyDestroyed:
        return {}  # withdrawn since
    except AccountKeyError as error:
        log.warning("speaker_not_counted", error=type(error).__name__)
        return {}
