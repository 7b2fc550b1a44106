"""Judges clips again whose measures or rules have changed since.

A changed rule needs no audio: the stages judge the rows. A changed measure is taken again from the audio that is kept.
What a person decided stays, and so does every release; what is built later follows the new outcome.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import numpy as np
import structlog
from sqlalchemy.orm import Session

from corpus.collaborators import Collaborators
from corpus.errors import AccountKeyError, KeyDestroyed, ObjectAbsent, ObjectCorrupt
from corpus.keys import AccountKey, KeyKind
from corpus.queries import share_accounts
from corpus.speech.detector import load_detector
from corpus.tables import Measurement
from corpus.words import ClipId, KeyId, Outcome
from curation import duplicate_queries, pipeline, queries
from curation.dnsmos import load_dnsmos
from curation.duplicate_queries import SET_REASONS
from curation.examine import Listener, listeners, measured_and_heard
from curation.measure import Samples, Trim
from curation.measurements import VERSION, Measurements
from curation.pipeline import Stage
from curation.queries import Stale
from curation.record import measurement_row, verdict_row
from curation.verdict import DropReason

CLIPS_AT_ONCE = 100
"""Clips judged in one commit, which holds off withdrawals of all who are in them."""

STAGE_REASONS = {reason.value for reason in DropReason} - {*SET_REASONS, DropReason.PERSONAL_DATA.value}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Measured:
    """The measurements on which each clip is judged, and for what could not be measured again the reason."""

    measurements: dict[ClipId, Measurements]
    lost: dict[ClipId, str]


def rejudge(house: Collaborators, stages: Sequence[Stage] = pipeline.STAGES) -> int:
    """How many clips were judged again. Raises `Transient`, and `Misconfigured` where a listener cannot be loaded."""
    rules, judged, after = pipeline.rules(stages), 0, ""
    heard_by: list[Listener] | None = None
    while True:
        with house.database.reading() as session:
            page = queries.stale_clips(
                session, house.clock(), version=VERSION, rules=rules, after=after, limit=CLIPS_AT_ONCE
            )
        if not page:
            return judged
        if heard_by is None and any(_must_be_measured(each) for each in page):
            settings = house.settings
            heard_by = listeners(load_detector(settings.speech_detector), load_dnsmos(settings.quality_model))
        judged += _record(house, page, _measured(house, page, heard_by or [], stages), stages)
        after = page[-1].clip_id


def _must_be_measured(each: Stale) -> bool:
    return each.object_key is not None and (each.measured is None or each.measured.version != VERSION)


def _measured(
    house: Collaborators, page: Sequence[Stale], heard_by: Sequence[Listener], stages: Sequence[Stage]
) -> _Measured:
    """As they stand, or taken again from the audio. What has none any more keeps its old verdict."""
    stand = {each.clip_id: measurements_of(each.measured) for each in page if each.measured}
    keys, again, clips, lost = dict[KeyId, AccountKey](), list[Stale](), list[Samples](), dict[ClipId, str]()
    for each in page:
        if not _must_be_measured(each):
            continue
        stand.pop(each.clip_id, None)
        try:
            samples = _samples(house, each, keys)
        except (AccountKeyError, ObjectAbsent, ObjectCorrupt) as error:
            lost[each.clip_id] = type(error).__name__
            if not isinstance(error, KeyDestroyed):  # that is a withdrawal, which the gate will see
                log.error("clip_lost", clip=each.clip_id, error=type(error).__name__)
            continue
        again.append(each)
        clips.append(samples)
    cut = [each.measured is not None and each.measured.is_cut for each in again]
    measured = measured_and_heard(clips, cut, heard_by, stages) if again else []
    return _Measured(stand | {each.clip_id: of for each, of in zip(again, measured, strict=True)}, lost)


def _samples(house: Collaborators, each: Stale, keys: dict[KeyId, AccountKey]) -> Samples:
    """Its audio. `keys` are the page's unwrapped keys so far. Raises `AccountKeyError`, `StoreError` or `Transient`."""
    assert each.object_key is not None
    if each.voice_key_id not in keys:
        keys[each.voice_key_id] = house.keyring.unwrap(each.account_id, each.voice_key_id, KeyKind.VOICE)
    return np.frombuffer(house.vault.get(keys[each.voice_key_id], each.object_key), dtype="<i2")


def measurements_of(row: Measurement) -> Measurements:
    return Measurements(**{field.name: getattr(row, field.name) for field in fields(Measurements)})


def _record(house: Collaborators, page: Sequence[Stale], found: _Measured, stages: Sequence[Stage]) -> int:
    """The gate: what may be used still, and is stale still, gets its verdicts and its ending, in one commit.

    Not a clip that has another object by now: it is not what was measured, and the next pass's.
    """
    rules, judged = pipeline.rules(stages), 0
    with house.database.writing() as session:
        duplicate_queries.lock_decisions(session)  # an outcome belongs to whoever decides over sets of clips, too
        objects = {each.clip_id: each.object_key for each in page}
        share_accounts(session, duplicate_queries.accounts_of_clips(session, objects))  # some may be closed since
        now = house.clock()
        for each in queries.still_stale(session, objects, now, version=VERSION, rules=rules):
            if each.object_key != objects[each.clip_id]:
                continue
            if each.clip_id in found.lost:
                queries.not_measured(session, each.clip_id, found.lost[each.clip_id], VERSION, rules, now)
                continue
            of, old = found.measurements[each.clip_id], each.measured
            verdicts = pipeline.run(stages, of)
            judged += 1
            passes = pipeline.drop_reason(verdicts) is None
            if passes and _is_dropped_by_a_stage(each) and each.object_key is None and each.original_is_there:
                queries.forget_clip(session, each.clip_id)  # it is made anew from its original
                continue
            version = VERSION if old is None or _must_be_measured(each) else old.version
            trim = Trim(old.trimmed_start, old.trimmed_end) if old else Trim(0, 0)
            row = measurement_row(each.clip_id, of, trim, rules, version)
            queries.judge_again(session, row, [verdict_row(each.clip_id, verdict, now) for verdict in verdicts])
            _end(session, each, pipeline.drop_reason(verdicts), now)
    return judged


def _end(session: Session, each: Stale, reason: DropReason | None, now: datetime) -> None:
    """The clip's ending, where the stages now end it otherwise. What others refused is theirs to take up again."""
    if reason is not None and (each.outcome is not Outcome.DROPPED or each.reason in SET_REASONS):
        queries.end_otherwise(session, each.clip_id, Outcome.DROPPED, reason.value, now)
    elif reason is None and _is_dropped_by_a_stage(each) and each.object_key is not None:
        queries.end_otherwise(session, each.clip_id, None, None, now)  # the decision over its set comes next


def _is_dropped_by_a_stage(each: Stale) -> bool:
    return each.outcome is Outcome.DROPPED and each.reason in STAGE_REASONS
