"""Makes clips of one batch of utterances: claims them, examines each, and records what came of it in one commit.

The same function serves every executor: it is told ids and answers counts, and what it finds out is rows. A batch done
twice, or killed anywhere, is done once: a clip and all about it appear in one commit, and an utterance has one clip.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from corpus.collaborators import Collaborators
from corpus.errors import LoanwordError, Misconfigured, ObjectAbsent, ObjectCorrupt, StoreError, Transient
from corpus.keys import AccountKey
from corpus.words import KeyId, UtteranceId, new_id
from curation import near_duplicates, pipeline
from curation.check import check
from curation.counts import BatchCounts
from curation.examine import Examined, Workbench, fetch, hear, judge, store
from curation.leases.lease import ALONE_AFTER, Lease
from curation.leases.queries import tried
from curation.personal_spans import flag
from curation.record import claim, record
from curation.stopwatch import Stopwatch

log = structlog.get_logger()


def curate_batch(bench: Workbench, utterance_ids: Sequence[UtteranceId], holder: str | None = None) -> BatchCounts:
    """Raises `Misconfigured`. Whatever is wrong with one recording becomes that recording's row.

    `holder` is who leases them: the same for a batch that is given out again after its worker died. What has killed
    workers before is done alone, last of all, so that it takes nothing with it.
    """
    holder = holder or new_id()
    try:
        with bench.house.database.reading() as session:
            suspects = tried(session, utterance_ids, at_least=ALONE_AFTER)
    except Transient as error:
        return _postponed(utterance_ids, error)
    together = [each for each in utterance_ids if each not in suspects]
    lots = [*([together] if together else []), *([each] for each in utterance_ids if each in suspects)]
    return sum((_curate(bench, lot, holder) for lot in lots), start=BatchCounts())


def _curate(bench: Workbench, utterance_ids: Sequence[UtteranceId], holder: str) -> BatchCounts:
    watch = Stopwatch()
    try:
        with watch.lap("claim"):
            claimed, refused = claim(bench.house, utterance_ids, holder)
        with Lease(bench.house, holder, [each.utterance.utterance_id for each in claimed]) as lease:
            batch = _examined(bench, claimed, watch)
            with watch.lap("record"):
                recorded = record(bench.house, batch, pipeline.rules(bench.stages))
            lease.finished(each.utterance.utterance_id for each in batch)
        with watch.lap("compare"):
            _compare(bench.house, batch)
        spent = BatchCounts(audio_s=sum(each.duration_s for each in batch), seconds=watch.seconds)
        return refused + recorded + spent + BatchCounts(postponed=len(claimed) - len(batch))
    except Transient as error:
        return _postponed(utterance_ids, error)


def _postponed(utterance_ids: Sequence[UtteranceId], error: Transient) -> BatchCounts:
    log.warning("batch_postponed", error=type(error).__name__, utterances=len(utterance_ids))
    return BatchCounts(postponed=len(utterance_ids))


def _compare(house: Collaborators, batch: Sequence[Examined]) -> None:
    """Looks for other copies of what passed. What stands in the way here undoes no record: the next decision tries."""
    clip_ids = sorted(each.clip_id for each in batch if each.passed)
    passed = [each.passed for each in batch if each.passed]
    heard = {each.sealed.object_key: each.samples for each in passed if each.sealed}
    try:
        near_duplicates.compare(house, clip_ids, heard)
    except (Transient, StoreError) as error:
        log.warning("comparison_postponed", error=type(error).__name__, clips=len(clip_ids))


def _examined(bench: Workbench, batch: Sequence[Examined], watch: Stopwatch) -> list[Examined]:
    """Steps over the whole batch, in order; each adds to `Judged` what it finds out about the clips that pass."""
    keys: dict[KeyId, AccountKey] = {}
    with watch.lap("decode"):
        batch = _each(batch, lambda each: fetch(bench, each, keys))
    with watch.lap("measure"):
        batch = _together(batch, lambda some: judge(bench, some))
    recogniser = bench.recogniser
    if recogniser is not None:
        with watch.lap("hear"):
            batch = _together(batch, lambda some: hear(bench.house, recogniser, some))
    with watch.lap("check"):
        batch = _each(batch, lambda each: check(bench.house, bench.aligner, each))
    with watch.lap("personal_data"):
        batch = _each(batch, lambda each: flag(bench.names, each))
    with watch.lap("store"):
        return _each(batch, lambda each: store(bench.house, each))


def _together(batch: Sequence[Examined], step: Callable[[Sequence[Examined]], list[Examined]]) -> list[Examined]:
    """The batch after a step over all at once. Where that fails, one by one: whoever is at fault fails alone."""
    sound = [each for each in batch if each.error is None]
    try:
        after = step(sound)
    except (Misconfigured, Transient):
        raise  # nobody's fault: the whole batch is tried again later, and not one by one against the same silence
    except Exception as error:  # whose fault it was, and whether it is one, is found out one by one
        log.info("batch_taken_apart", error=type(error).__name__, utterances=len(sound))
        after = _each(sound, lambda each: step([each])[0])
    return [each for each in batch if each.error is not None] + after


def _each(batch: Sequence[Examined], step: Callable[[Examined], Examined]) -> list[Examined]:
    """The batch after a step over one at a time.

    What fails stays, with its error; what is to be tried again later is left out.
    """
    after = []
    for each in batch:
        try:
            after.append(each if each.error else step(each))
        except Misconfigured:
            raise  # no recording's fault: it would fail them all
        except (ObjectAbsent, ObjectCorrupt) as error:  # the one refusal of the store that is about this recording
            log.error("utterance_lost", utterance=each.utterance.utterance_id, error=type(error).__name__)
            after.append(replace(each, error=type(error).__name__))
        except (Transient, StoreError, MemoryError) as error:  # no recording's fault, so no verdict on it
            log.warning("utterance_postponed", utterance=each.utterance.utterance_id, error=type(error).__name__)
        except Exception as error:  # the one broad catch: a failure is a row
            name, expected = type(error).__name__, isinstance(error, LoanwordError)
            say = log.info if expected else log.exception
            say("utterance_failed", utterance=each.utterance.utterance_id, error=name)
            after.append(replace(each, error=name))
    return after
