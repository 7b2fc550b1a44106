"""The two gates of curation: what may be taken up, and what may be recorded of it.

Each shares the accounts' locks first and asks the one rule after that, in one transaction: a withdrawal comes before
it, and then nothing is done, or after it, and then finds all that was written.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import structlog

from corpus.collaborators import Collaborators
from corpus.errors import StoreError, Transient
from corpus.queries import share_accounts
from corpus.tables import Alignment, Clip, Hypothesis, Measurement, Verdict
from corpus.words import ClipId, Outcome, UtteranceId, new_id
from curation import alignment, pipeline, queries
from curation.counts import BatchCounts
from curation.examine import Checked, Examined, Judged
from curation.leases.lease import ATTEMPTS, LASTS, POISON
from curation.leases.queries import forget, take
from curation.measure import Trim
from curation.measurements import VERSION, Measurements
from curation.personal_spans import proposed
from curation.queries import Finding, Waiting
from curation.verdict import Drop, StageVerdict

EXAMINATION = "examination"
"""The stage of a failure: while the recording was fetched, decoded, judged, heard or stored."""

log = structlog.get_logger()


def claim(
    house: Collaborators, utterance_ids: Sequence[UtteranceId], holder: str
) -> tuple[list[Examined], BatchCounts]:
    """The claim gate: those that may be taken up now, leased to the holder, and the counts of the others.

    One that has been begun too often is not begun again: it comes with its error.
    """
    with house.database.writing() as session:
        share_accounts(session, queries.accounts_of(session, utterance_ids))
        now = house.clock()
        usable = queries.waiting(session, utterance_ids, now)
        attempts = take(session, holder, [each.utterance_id for each in usable], now, now + LASTS)
        done = len(queries.done(session, utterance_ids))
    leased_to_another = len(usable) - len(attempts)
    refused = BatchCounts(elsewhere=done + leased_to_another, withdrawn=len(utterance_ids) - len(usable) - done)
    return [_begun(each, attempts[each.utterance_id]) for each in usable if each.utterance_id in attempts], refused


def _begun(utterance: Waiting, attempts: int) -> Examined:
    return Examined(utterance, ClipId(new_id()), error=POISON if attempts > ATTEMPTS else None)


def record(house: Collaborators, batch: Sequence[Examined], rules: str) -> BatchCounts:
    """The commit gate: records what may still be used, in one commit, and erases the objects of the rest.

    `rules` says which stages judged, so that others can judge again.

    When the commit itself is lost its outcome is unknown: the objects then stay, as orphans at worst.
    """
    counts, refused = BatchCounts(), list[Examined]()
    ids = [each.utterance.utterance_id for each in batch]
    with house.database.writing() as session:
        share_accounts(session, queries.accounts_of(session, ids))  # not of the batch's memory: some may be closed
        now = house.clock()
        usable = {utterance.utterance_id for utterance in queries.waiting(session, ids, now)}
        done = queries.done(session, ids)
        for each in sorted(batch, key=lambda each: each.utterance.utterance_id):  # one order, or two workers deadlock
            if each.utterance.utterance_id in usable and queries.add_clip(session, *_rows(each, rules, now)):
                counts += _recorded(each)
                continue
            withdrawn = each.utterance.utterance_id not in usable | done
            counts += BatchCounts(withdrawn=1) if withdrawn else BatchCounts(elsewhere=1)
            refused.append(each)
        queries.mark_curated(session, [each for each in ids if each in usable | done], now)
        forget(session, ids)
    _erase_objects(house, refused)
    return counts


def _recorded(each: Examined) -> BatchCounts:
    outcome, reason = _ending(each)
    if outcome is None or reason is None:
        return BatchCounts(passed=1)
    ended = Counter({reason: 1})
    return BatchCounts(failed=ended) if outcome is Outcome.FAILED else BatchCounts(dropped=ended)


def _ending(each: Examined) -> tuple[Outcome | None, str | None]:
    """How the clip ends, and why; a clip that passed ends when all of the same audio are decided."""
    if each.error is not None:
        return Outcome.FAILED, each.error
    reason = pipeline.drop_reason(each.judged.verdicts) if each.judged else None
    return (Outcome.DROPPED, reason.value) if reason else (None, None)


def _rows(each: Examined, rules: str, now: datetime) -> tuple[Clip, list[Finding]]:
    """The clip, and each step's rows about it."""
    outcome, reason = _ending(each)
    clip = Clip(
        id=each.clip_id, utterance_id=each.utterance.utterance_id, outcome=outcome, reason=reason, measured_at=now
    )
    judged, findings = each.judged, list[Finding]()
    if judged:
        measured = judged.measurements
        clip.samples, clip.clipped_share = measured.samples, measured.clipped_share
        clip.peak_dbfs, clip.rms_dbfs = measured.peak_dbfs, measured.rms_dbfs
        findings += [verdict_row(each.clip_id, verdict, now) for verdict in judged.verdicts]
        findings.append(measurement_row(each.clip_id, judged.measurements, judged.trim, rules))
    if each.error is not None:
        findings.append(_failure(each.clip_id, each.error, now))
    elif judged and judged.sealed:
        clip.object_key, clip.pcm_digest = judged.sealed.object_key, judged.sealed.pcm_digest
        findings += _hypotheses(each.clip_id, judged, now)
        if checked := judged.checked:
            clip.confidence, clip.reviews_wanted = checked.confidence, checked.reviews_wanted
            findings += _alignment(each.clip_id, checked, now)
        if flagged := judged.flagged:
            findings += [proposed(judged.key, each.clip_id, flagged.words, found, now) for found in flagged.spans]
    return clip, findings


def measurement_row(clip_id: ClipId, of: Measurements, trim: Trim, rules: str, version: int = VERSION) -> Measurement:
    return Measurement(
        clip_id=clip_id,
        version=version,
        judged_by=rules,
        trimmed_start=trim.start,
        trimmed_end=trim.end,
        **asdict(of),
    )


def verdict_row(clip_id: ClipId, of: StageVerdict, now: datetime) -> Verdict:
    reason = of.verdict.reason.value if isinstance(of.verdict, Drop) else None
    outcome = Outcome.DROPPED if reason else Outcome.KEPT
    return Verdict(clip_id=clip_id, stage=of.stage, stage_version=of.version, outcome=outcome, reason=reason, at=now)


def _failure(clip_id: ClipId, error: str, now: datetime) -> Verdict:
    return Verdict(clip_id=clip_id, stage=EXAMINATION, stage_version=1, outcome=Outcome.FAILED, reason=error, at=now)


def _hypotheses(clip_id: ClipId, judged: Judged, now: datetime) -> list[Hypothesis]:
    return [
        Hypothesis(
            clip_id=clip_id,
            recogniser=opinion.recogniser,
            text=sealed.text,
            confidence=opinion.heard.confidence,
            words=sealed.words,
            no_speech=opinion.heard.no_speech,
            doubt=opinion.heard.doubt,
            at=now,
        )
        for opinion, sealed in zip(judged.opinions, judged.sealed.opinions if judged.sealed else (), strict=True)
    ]


def _alignment(clip_id: ClipId, checked: Checked, now: datetime) -> list[Finding]:
    found, words = checked.alignment, checked.words
    if found is None or words is None:
        return []
    return [
        Alignment(clip_id=clip_id, version=alignment.VERSION, score=found.score, worst=found.worst, words=words, at=now)
    ]


def _erase_objects(house: Collaborators, refused: Sequence[Examined]) -> None:
    """What the store will not erase now is an orphan under a key of its own, and the sweep's."""
    for each in refused:
        if each.judged and each.judged.sealed:
            try:
                house.vault.erase(each.judged.sealed.object_key)
            except (Transient, StoreError) as error:
                log.warning("refused_clip_left_to_the_sweep", clip=each.clip_id, error=type(error).__name__)
