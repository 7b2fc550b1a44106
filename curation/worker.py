"""Makes clips of one batch of utterances: claims them, examines each, and records what came of it in one commit.

The same function serves every executor: it is told ids and answers counts, and what it finds out is rows. A batch done
twice, or killed anywhere, is done once: a clip and all about it appear in one commit, and an utterance has one clip.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from corpus.errors import LoanwordError, Misconfigured, ObjectAbsent, ObjectCorrupt, StoreError, Transient
from corpus.keys import AccountKey
from corpus.words import KeyId, UtteranceId
from curation import pipeline
from curation.check import check
from curation.counts import BatchCounts
from curation.examine import Examined, Workbench, fetch, hear, judge, store
from curation.personal_spans import flag
from curation.record import claim, record

log = structlog.get_logger()


def curate_batch(bench: Workbench, utterance_ids: Sequence[UtteranceId]) -> BatchCounts:
    """Raises `Misconfigured`. Whatever is wrong with one recording becomes that recording's row."""
    try:
        claimed, refused = claim(bench.house, utterance_ids)
        batch = _examined(bench, claimed)
        return (
            refused
            + record(bench.house, batch, pipeline.rules(bench.stages))
            + BatchCounts(postponed=len(claimed) - len(batch))
        )
    except Transient as error:
        log.warning("batch_postponed", error=type(error).__name__, utterances=len(utterance_ids))
        return BatchCounts(postponed=len(utterance_ids))


def _examined(bench: Workbench, batch: Sequence[Examined]) -> list[Examined]:
    """Steps over the whole batch, in order; each adds to `Judged` what it finds out about the clips that pass."""
    keys: dict[KeyId, AccountKey] = {}
    batch = _each(batch, lambda each: fetch(bench, each, keys))
    batch = _together(batch, lambda some: judge(bench, some))
    recogniser = bench.recogniser
    if recogniser is not None:
        batch = _together(batch, lambda some: hear(recogniser, some))
    batch = _each(batch, lambda each: check(bench.house, bench.aligner, each))
    batch = _each(batch, lambda each: flag(bench.names, each))
    return _each(batch, lambda each: store(bench.house, each))


def _together(batch: Sequence[Examined], step: Callable[[Sequence[Examined]], list[Examined]]) -> list[Examined]:
    """The batch after a step over all at once. Where that fails, one by one: whoever is at fault fails alone."""
    sound = [each for each in batch if each.error is None]
    try:
        after = step(sound)
    except Misconfigured:
        raise
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
