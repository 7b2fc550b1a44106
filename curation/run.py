"""Curates all that waits: batches of utterances through an executor, then the decision among clips of the same audio.

Killed anywhere it loses nothing. What has no clip yet is found again, and so is every set of clips not yet decided.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from corpus.collaborators import Collaborators
from corpus.errors import Transient
from corpus.queries import share_accounts
from corpus.tables import Verdict
from corpus.words import Outcome, new_id
from curation import duplicate_queries, duplicates, near_duplicates, queries
from curation.counts import BatchCounts, CurationCounts, SetCounts
from curation.duplicate_queries import Copies, Decided
from curation.executors import Batch, Executor
from curation.queries import Place
from curation.rejudge import rejudge
from curation.verdict import Drop
from curation.verdict import Verdict as DuplicateVerdict

PAGE_BATCHES = 32
"""Batches a worker between two decisions over duplicates, so that reviewers need not wait for the end of a long run."""

SETS_AT_ONCE = 100
"""Sets decided in one commit, which holds off withdrawals of all who are in them."""

LOOKS_AGAIN = timedelta(seconds=0.5)
"""How often a run that has nothing left to do looks whether the others are alive."""


@dataclass(frozen=True, slots=True)
class Watcher:
    """What is called as a run goes on: with counts, and never with ids."""

    on_progress: Callable[[int, int], None] = lambda _done, _total: None
    """With how many utterances are done, and how many there are."""
    on_batch: Callable[[BatchCounts], None] = lambda _counts: None
    on_sets: Callable[[SetCounts], None] = lambda _counts: None


UNWATCHED = Watcher()

log = structlog.get_logger()


def curate(
    house: Collaborators,
    executor: Executor,
    *,
    limit: int | None = None,
    patient: bool = True,
    watcher: Watcher = UNWATCHED,
) -> CurationCounts:
    """One pass over all utterances that wait, or the first `limit` of them; what changed rules concern comes first.

    Runs side by side share the work. A patient run without a limit ends when nothing waits any more: it takes over what
    a worker or a run left that has died, once the lease has run out.

    Raises `Transient` where the database is out of reach, and `Misconfigured`; what was recorded by then stays.
    """
    rejudged = rejudge(house)
    with house.database.reading() as session:
        total = queries.count_waiting(session, house.clock())
    total = total if limit is None else min(limit, total)
    counts, sets = BatchCounts(), _decided(house, watcher)
    watcher.on_progress(0, total)
    for page in _pages(house, executor, limit, patient):
        for batch in executor.run(_batches(page, executor.workers, house.settings.curate_batch)):
            counts += batch
            watcher.on_batch(batch)
            watcher.on_progress(counts.total, max(total, counts.total))
        sets += _decided(house, watcher)
    return CurationCounts(counts, sets, rejudged)


def watch(
    house: Collaborators,
    executor: Executor,
    *,
    stop: threading.Event,
    pause: timedelta = timedelta(seconds=2),
    watcher: Watcher = UNWATCHED,
    on_pass: Callable[[CurationCounts], None] = lambda _counts: None,
) -> None:
    """Curates what comes in until `stop` is set. Sits out what is out of reach for a moment."""
    while not stop.is_set():
        try:
            on_pass(curate(house, executor, patient=False, watcher=watcher))
        except Transient as error:
            log.warning("curation_waits", error=type(error).__name__)
            stop.wait(error.retry_after.total_seconds())
        stop.wait(pause.total_seconds())


def _decided(house: Collaborators, watcher: Watcher) -> SetCounts:
    counts = decide_duplicates(house)
    watcher.on_sets(counts)
    return counts


def decide_duplicates(house: Collaborators) -> SetCounts:
    """Compares what was not compared yet, and decides every set of copies that is not decided as it now stands."""
    near_duplicates.compare_waiting(house)
    counts, after = SetCounts(), ""
    while True:
        with house.database.reading() as session:
            digests = duplicate_queries.unsettled_digests(session, house.clock(), after=after, limit=SETS_AT_ONCE)
        if not digests:
            return counts
        counts += _decide(house, digests)
        after = digests[-1]


def _decide(house: Collaborators, digests: Sequence[str]) -> SetCounts:
    counts = SetCounts()
    with house.database.writing() as session:
        duplicate_queries.lock_decisions(session)
        digests = duplicate_queries.digests_around(session, digests)
        locked = duplicate_queries.accounts_sharing(session, digests)
        share_accounts(session, locked)
        now = house.clock()
        copies = duplicate_queries.copies(session, digests, now)
        digest_of = ((clip_id, each.pcm_digest) for clip_id, each in copies.members.items())
        for together in duplicates.sets(digest_of, copies.pairs):
            members = [copies.members[clip_id] for clip_id in sorted(together)]
            if not locked.issuperset(each.member.account_id for each in members):
                continue  # someone new came in meanwhile; the set is unsettled, and the next decision's
            verdicts = duplicates.decide(each.member for each in members)
            for each in members:
                counts += _settled(session, each, verdicts[each.member.clip_id], now)
            _tie(session, copies, members)
    return counts


def _settled(session: Session, each: Decided, verdict: DuplicateVerdict, now: datetime) -> SetCounts:
    reason = verdict.reason.value if isinstance(verdict, Drop) else None
    outcome = Outcome.DROPPED if reason else Outcome.KEPT
    if (each.outcome, each.reason) == (outcome, reason):
        return SetCounts()
    row = Verdict(
        clip_id=each.member.clip_id,
        stage=duplicates.STAGE,
        stage_version=duplicates.VERSION,
        outcome=outcome,
        reason=reason,
        at=now,
    )
    duplicate_queries.settle(session, row)
    return _counted(each.outcome, reason)


def _tie(session: Session, copies: Copies, members: Sequence[Decided]) -> None:
    """Notes of each how many copies stand beside it, where its set has near duplicates, so that a change is seen."""
    near = Counter(clip_id for pair in copies.pairs for clip_id in pair)
    equal = Counter(each.pcm_digest for each in members)
    has_near = any(each.member.clip_id in copies.tied for each in members)
    for each in members:
        ties = near[each.member.clip_id] + equal[each.pcm_digest] - 1 if has_near else None
        if ties != each.ties:
            duplicate_queries.tie(session, each.member.clip_id, ties)


def _counted(before: Outcome | None, reason: str | None) -> SetCounts:
    if before is not None:
        return SetCounts(redecided=1)
    return SetCounts(dropped=Counter({reason: 1})) if reason else SetCounts(kept=1)


def _pages(house: Collaborators, executor: Executor, limit: int | None, patient: bool) -> Iterator[list[Place]]:
    after, left = None, limit
    while page := _next_page(house, executor.workers, after, left):
        yield page
        after, left = page[-1], None if left is None else left - len(page)
    if limit is None and patient:
        yield from _abandoned(house, executor)


def _next_page(house: Collaborators, workers: int, after: Place | None, left: int | None) -> list[Place]:
    size = _page_size(house, workers)
    with house.database.reading() as session:
        return queries.waiting_places(
            session, house.clock(), after=after, limit=size if left is None else min(size, left)
        )


def _abandoned(house: Collaborators, executor: Executor) -> Iterator[list[Place]]:
    """What others leave behind, until nobody is at anything."""
    told = False
    while True:
        with house.database.reading() as session:
            page = queries.abandoned_places(session, house.clock(), limit=_page_size(house, executor.workers))
            leased = queries.count_leased(session, house.clock())
        if page:
            yield page
        elif leased:
            if not told:
                log.info("waits_for_leases", utterances=leased)
            told = True
            time.sleep(LOOKS_AGAIN.total_seconds())
        else:
            return


def _page_size(house: Collaborators, workers: int) -> int:
    return workers * PAGE_BATCHES * house.settings.curate_batch


def _batches(page: Sequence[Place], workers: int, most: int) -> Iterator[Batch]:
    """Even batches, so that a short page keeps every worker busy."""
    size = max(1, min(most, -(-len(page) // workers)))
    ids = [place.utterance_id for place in page]
    return (Batch(new_id(), tuple(ids[start : start + size])) for start in range(0, len(ids), size))
