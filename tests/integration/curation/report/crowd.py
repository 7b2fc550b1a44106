"""A house with a past, for the curation report: clips that ended in every way, and people who told of themselves."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from corpus.collaborators import Collaborators
from corpus.demographics import Field, stands_in
from corpus.tables import Clip, Demographics, Measurement, Review, Verdict
from corpus.words import AccountId, ClipId, Decision, Outcome, Purpose, RejectReason, new_id
from curation import pipeline
from curation.measurements import VERSION
from tests.factories import ALL_PURPOSES, Lender, make_clip, make_hypothesis, make_lender, make_utterance, voice_key

ALL_AND_DEMOGRAPHICS = (*ALL_PURPOSES, Purpose.DEMOGRAPHICS)
HOUR_SAMPLES = 3600 * 16_000


def add_clip(
    house: Collaborators,
    lender: Lender,
    *,
    outcome: Outcome | None = Outcome.KEPT,
    reason: str | None = None,
    duration_s: float = 2.0,
    rms_dbfs: float | None = -22.0,
    snr_db: float | None = None,
    confidence: float | None = None,
    measured_at: datetime | None = None,
) -> ClipId:
    """With a short recording behind it, whatever its row says."""
    clip_id = make_clip(house, lender, pcm=bytes(320), outcome=outcome, reason=reason)
    failed = outcome is Outcome.FAILED
    with house.database.writing() as session:
        clip = session.get_one(Clip, clip_id)
        clip.pcm_digest = house.master.digest("pcm", clip_id.encode())
        clip.samples = None if failed else round(duration_s * 16_000)
        clip.rms_dbfs, clip.peak_dbfs = (None, None) if failed else (rms_dbfs, -6.5)
        clip.confidence = None if confidence is None else confidence / 2
        clip.measured_at = measured_at or house.clock()
        if not failed:
            session.add(_measurement(clip_id, clip.samples or 0, snr_db))
        if outcome:
            verdict = Verdict(clip_id=clip_id, stage="level", stage_version=1, outcome=outcome, reason=reason)
            verdict.at = clip.measured_at
            session.add(verdict)
    if confidence is not None:
        make_hypothesis(house, lender, clip_id, "turn on the lights", recogniser="tiny.en", confidence=confidence)
    return clip_id


def _measurement(clip_id: ClipId, samples: int, snr_db: float | None) -> Measurement:
    return Measurement(
        clip_id=clip_id,
        version=VERSION,
        judged_by=pipeline.rules(pipeline.STAGES),
        trimmed_start=0,
        trimmed_end=0,
        samples=samples,
        is_cut=False,
        peak_dbfs=-6.5,
        rms_dbfs=-22.0,
        clipped_share=0.0,
        dc_offset=0.0,
        sounding_s=1.0,
        heard_s=None if snr_db is None else 2.0,
        speech_s=None if snr_db is None else 1.7,
        snr_db=snr_db,
        bandwidth_hz=None if snr_db is None else 7000.0,
    )


def same_audio(house: Collaborators, clip_ids: Iterable[ClipId], name: str) -> None:
    with house.database.writing() as session:
        for clip_id in clip_ids:
            session.get_one(Clip, clip_id).pcm_digest = house.master.digest("pcm", name.encode())


def review(house: Collaborators, clip_id: ClipId, reason: RejectReason) -> None:
    with house.database.writing() as session:
        session.get_one(Clip, clip_id).reviewed_at = house.clock()
        session.add(Review(id=new_id(), clip_id=clip_id, decision=Decision.REJECT, reason=reason, at=house.clock()))


def tell(house: Collaborators, account_id: AccountId, answers: Mapping[Field, str]) -> None:
    """The row alone: whether it may be there is what the report must ask."""
    key = voice_key(house, account_id)
    sealed = {field.value: key.seal(answer.encode(), stands_in(field, account_id)) for field, answer in answers.items()}
    with house.database.writing() as session:
        session.add(Demographics(account_id=account_id, updated_at=house.clock(), **sealed))


def make_speakers(
    house: Collaborators, people: int, answers: Mapping[Field, str] | None = None, *, hours_each: float = 1.0
) -> list[Lender]:
    """Each with a kept clip, who agreed to everything and told these answers."""
    lenders = [make_lender(house, purposes=ALL_AND_DEMOGRAPHICS) for _ in range(people)]
    for lender in lenders:
        add_clip(house, lender, duration_s=hours_each * 3600)
        if answers:
            tell(house, lender.account_id, answers)
    return lenders


def make_waiting(house: Collaborators, lender: Lender, utterances: int) -> None:
    for _ in range(utterances):
        make_utterance(house, lender, body=b"RIFF")
