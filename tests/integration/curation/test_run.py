"""Whole runs over recordings: how each one ends, and what is written of it."""

import csv
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

import loanword.samples
from corpus.collaborators import Collaborators
from corpus.errors import BucketMissing, ObjectForbidden, RecogniserUnavailable, StoreError, StoreUnavailable
from corpus.keys import AccountKey
from corpus.object_store import ObjectStore
from corpus.sealed import place
from corpus.speech.heard import Heard, Sound, Word
from corpus.speech.hearing import Hearing
from corpus.tables import Clip, Hypothesis, Measurement, Release, ReleaseClip
from corpus.vault import Vault
from corpus.words import Outcome, ReleaseId, ReleaseState, Split, UtteranceId, new_id
from curation import duplicate_queries, queries, run
from curation.examine import Workbench
from curation.executors import Inline
from curation.measurements import VERSION, Measurements
from curation.verdict import Keep, Verdict
from loanword.commands.curating import curation_lines
from tests.factories import Lender, make_lender, make_utterance, tone, voice_key, wav, withdraw_consent
from tests.fixtures.house import StillClock
from tests.integration.curation.endings import (
    DUPLICATE,
    KEPT,
    SHARED,
    SILENT,
    UNDECODABLE,
    clip_objects,
    endings,
    rows,
    verdicts,
)

SAMPLES = Path(loanword.samples.__file__).parent
DEV = Path(__file__).parents[4] / "shared" / "data" / "dev"
ONE_SOUND = wav(tone(frequency_hz=300))


def samples() -> list[dict[str, str]]:
    with (SAMPLES / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_sample_is_kept_but_the_silent_and_the_broken_one(house: Collaborators, bench: Workbench) -> None:
    lender = make_lender(house)
    expected = {}
    for row in samples():
        utterance_id = make_utterance(house, lender, body=(SAMPLES / row["file"]).read_bytes())
        expected[utterance_id] = {"silence.wav": SILENT, "broken.flac": UNDECODABLE}.get(row["file"], KEPT)

    counts = run.curate(house, Inline(bench))

    assert endings(house) == expected
    assert (counts.kept, counts.dropped, counts.failed) == (24, {"silent": 1}, {"Undecodable": 1})
    assert counts.seen == len(expected)


def test_a_kept_clip_is_canonical_sealed_pcm_with_its_measurements(house: Collaborators, bench: Workbench) -> None:
    lender, pcm = make_lender(house), tone(duration_s=1.5, peak=0.5)
    utterance_id = make_utterance(house, lender, body=wav(pcm))

    run.curate(house, Inline(bench))

    [clip] = rows(house, Clip)
    assert clip.object_key is not None
    assert house.vault.get(voice_key(house, lender.account_id), clip.object_key) == pcm
    with house.store.open(clip.object_key) as file:
        assert pcm[:1000] not in file.read()
    assert (clip.samples, clip.clipped_share, clip.measured_at) == (24_000, 0.0, house.clock())
    assert clip.peak_dbfs == pytest.approx(-6.02, abs=0.01)
    assert clip.rms_dbfs == pytest.approx(-9.03, abs=0.01)
    assert clip.pcm_digest == house.master.digest("pcm", pcm)
    assert sorted(verdicts(house, utterance_id)) == [
        ("clipping", Outcome.KEPT, None),
        ("duplicates", Outcome.KEPT, None),
        ("duration", Outcome.KEPT, None),
        ("level", Outcome.KEPT, None),
        ("noise", Outcome.KEPT, None),
        ("silence", Outcome.KEPT, None),
        ("speech", Outcome.KEPT, None),
    ]
    [measurement] = rows(house, Measurement)
    assert (measurement.version, measurement.samples, measurement.is_cut) == (VERSION, 24_000, False)
    assert measurement.lufs == pytest.approx(-9.6, abs=0.1)
    assert measurement.speech_s is None


def test_what_is_kept_is_trimmed_and_the_trim_is_recorded(house: Collaborators, bench: Workbench) -> None:
    lender, voice = make_lender(house), tone(duration_s=1.0)
    make_utterance(house, lender, body=wav(bytes(32_000) + voice + bytes(64_000)))

    run.curate(house, Inline(bench))

    [clip], [measurement] = rows(house, Clip), rows(house, Measurement)
    margin = bytes(7_680)
    assert house.vault.get(voice_key(house, lender.account_id), clip.object_key or "") == margin + voice + margin
    assert (measurement.trimmed_start, measurement.trimmed_end) == (16_000 - 3_840, 32_000 - 3_840)
    assert clip.samples == measurement.samples == 16_000 + 2 * 3_840


def test_a_dropped_clip_leaves_verdicts_and_measurements_but_no_audio(house: Collaborators, bench: Workbench) -> None:
    utterance_id = make_utterance(house, make_lender(house), body=wav(bytes(48_000)))

    run.curate(house, Inline(bench))

    [clip] = rows(house, Clip)
    assert (clip.samples, clip.object_key, clip.pcm_digest) == (24_000, None, None)
    assert sorted(verdicts(house, utterance_id)) == [
        ("duration", Outcome.KEPT, None),
        ("silence", Outcome.DROPPED, "silent"),
    ]
    [measurement] = rows(house, Measurement)
    assert (measurement.sounding_s, measurement.snr_db) == (0.0, None)
    assert rows(house, Hypothesis) == []
    assert clip_objects(house) == []


def test_a_recording_past_the_decoders_limit_is_dropped_and_not_failed(house: Collaborators, bench: Workbench) -> None:
    utterance_id = make_utterance(house, make_lender(house), body=wav(tone(duration_s=21)))

    run.curate(house, Inline(bench))

    assert endings(house) == {utterance_id: (Outcome.DROPPED, "too_long")}


def test_a_failed_recording_has_a_verdict_that_names_the_error(house: Collaborators, bench: Workbench) -> None:
    utterance_id = make_utterance(house, make_lender(house), body=b"RIFF....WAVE and no more")

    run.curate(house, Inline(bench))

    assert verdicts(house, utterance_id) == [("examination", Outcome.FAILED, "Undecodable")]


# Hypotheses


def test_the_devices_transcript_is_kept_as_it_was_sent(house: Collaborators, bench: Workbench) -> None:
    lender = make_lender(house)
    make_utterance(house, lender, transcript="Turn ON the lights, at 7!")

    run.curate(house, Inline(bench))

    [hypothesis] = rows(house, Hypothesis)
    sealed_for = place("hypotheses.text", f"{hypothesis.clip_id}/device")
    assert hypothesis.recogniser == "device"
    assert voice_key(house, lender.account_id).open(hypothesis.text, sealed_for) == b"Turn ON the lights, at 7!"


class CountsSamples:
    """A recogniser that hears how long a clip is; it breaks on clips of `breaks_on` samples."""

    name = "counter"

    def __init__(
        self,
        breaks_on: int | None = None,
        error: type[Exception] = ZeroDivisionError,
        sends_to: str | None = None,
    ) -> None:
        self.breaks_on, self.error, self.sends_to = breaks_on, error, sends_to
        self.asked = 0

    def speaks(self, locale: str) -> bool:
        return locale == "en-US"

    def hear(self, batch: Sequence[Sound]) -> list[Heard]:
        self.asked += len(batch)
        lengths = [len(sound.samples) for sound in batch]
        if self.breaks_on in lengths:
            raise self.error
        return [Heard(f"{length} samples", 0.5, (Word(str(length), 0.1, 0.4, 0.9),), 0.2) for length in lengths]


def test_whatever_passed_is_heard_and_a_devices_transcript_spares_nobody(
    house: Collaborators, bench: Workbench
) -> None:
    lender, recogniser = make_lender(house), CountsSamples()
    make_utterance(house, lender, transcript="turn on the lights", body=wav(tone(duration_s=1)))
    make_utterance(house, lender, transcript=None, body=ONE_SOUND)
    make_utterance(house, lender, transcript=None, body=wav(bytes(48_000)))

    run.curate(house, Inline(replace(bench, recogniser=Hearing((recogniser,)))))

    key = voice_key(house, lender.account_id)
    heard = sorted(
        (
            each.recogniser,
            key.open(each.text, place("hypotheses.text", f"{each.clip_id}/{each.recogniser}")),
            each.confidence,
        )
        for each in rows(house, Hypothesis)
    )
    assert heard == [
        ("counter", b"16000 samples", 0.5),
        ("counter", b"24000 samples", 0.5),
        ("device", b"turn on the lights", None),
    ]
    assert recogniser.asked == 2


def test_word_times_are_kept_sealed(house: Collaborators, bench: Workbench) -> None:
    lender = make_lender(house)
    make_utterance(house, lender, transcript=None, body=wav(tone(duration_s=1)))

    run.curate(house, Inline(replace(bench, recogniser=Hearing((CountsSamples(),)))))

    [row] = rows(house, Hypothesis)
    assert row.words is not None
    words = voice_key(house, lender.account_id).open(row.words, place("hypotheses.words", f"{row.clip_id}/counter"))
    assert json.loads(words) == [["16000", 0.1, 0.4, 0.9]]
    assert (row.no_speech, row.doubt) == (0.2, None)


def test_a_recogniser_out_of_reach_postpones_the_batch(house: Collaborators, bench: Workbench) -> None:
    make_utterance(house, make_lender(house), body=wav(tone(duration_s=1)))
    absent = CountsSamples(breaks_on=16_000, error=RecogniserUnavailable)

    counts = run.curate(house, Inline(replace(bench, recogniser=Hearing((absent,)))))

    assert (counts.batches.postponed, absent.asked) == (1, 1)
    assert "1 postponed" in curation_lines(counts)[-1]
    assert rows(house, Clip) == []


def test_a_clip_that_breaks_the_recogniser_fails_alone(house: Collaborators, bench: Workbench) -> None:
    lender = make_lender(house)
    good, bad = (make_utterance(house, lender, transcript=None, body=wav(tone(duration_s=s))) for s in (1, 2))

    run.curate(house, Inline(replace(bench, recogniser=Hearing((CountsSamples(breaks_on=32_000),)))))

    assert endings(house) == {good: KEPT, bad: (Outcome.FAILED, "ZeroDivisionError")}
    assert len(clip_objects(house)) == 1


# Duplicates


def test_the_same_audio_twice_from_one_account_is_kept_once(
    house: Collaborators, bench: Workbench, clock: StillClock
) -> None:
    lender = make_lender(house)
    first = make_utterance(house, lender, body=ONE_SOUND)
    clock.forward(timedelta(minutes=1))
    second = make_utterance(house, lender, body=ONE_SOUND)

    counts = run.curate(house, Inline(bench))

    assert endings(house) == {first: KEPT, second: DUPLICATE}
    assert ("duplicates", Outcome.DROPPED, "duplicate") in verdicts(house, second)
    assert (counts.kept, counts.dropped, counts.seen) == (1, {"duplicate": 1}, 2)


def test_an_earlier_upload_that_is_curated_later_takes_the_place(
    house: Collaborators, bench: Workbench, clock: StillClock
) -> None:
    lender = make_lender(house)
    second = make_utterance(house, lender, body=ONE_SOUND)
    run.curate(house, Inline(bench))
    clock.forward(-timedelta(minutes=1))
    first = make_utterance(house, lender, body=ONE_SOUND, captured_at=clock())
    clock.forward(timedelta(minutes=1))

    counts = run.curate(house, Inline(bench))

    assert endings(house) == {first: KEPT, second: DUPLICATE}
    assert counts.sets.redecided == 1


def test_the_same_audio_from_two_accounts_is_nobodys(house: Collaborators, bench: Workbench) -> None:
    ada, bo = make_lender(house), make_lender(house)
    ours = make_utterance(house, ada, body=ONE_SOUND)
    run.curate(house, Inline(bench))
    assert endings(house) == {ours: KEPT}
    theirs = make_utterance(house, bo, body=ONE_SOUND)

    counts = run.curate(house, Inline(bench))

    assert endings(house) == {ours: SHARED, theirs: SHARED}
    assert ("duplicates", Outcome.DROPPED, "shared_across_accounts") in verdicts(house, ours)
    assert (counts.seen, counts.sets.redecided) == (1, 1)


def publish(house: Collaborators, utterance_id: UtteranceId, version: str = "1") -> None:
    """A release that holds the clip of this utterance, published now."""
    with house.database.writing() as session:
        release = Release(
            id=ReleaseId(new_id()),
            name="voices",
            version=version,
            state=ReleaseState.CURRENT,
            policy="{}",
            snapshot_at=house.clock(),
            published_at=house.clock(),
        )
        session.add(release)
        session.flush()
        session.add(
            ReleaseClip(
                release_id=release.id,
                clip_id=session.query(Clip.id).where(Clip.utterance_id == utterance_id).scalar(),
                wav_filename="clips/a.wav",
                speaker="s",
                split=Split.TRAIN,
                shard="train-00000.tar",
            )
        )


def test_who_uploads_what_another_has_published_takes_it_from_nobody(
    house: Collaborators, bench: Workbench, clock: StillClock
) -> None:
    ada, bo = make_lender(house), make_lender(house)
    ours = make_utterance(house, ada, body=ONE_SOUND)
    run.curate(house, Inline(bench))
    publish(house, ours)
    clock.forward(timedelta(days=1))
    theirs = make_utterance(house, bo, body=ONE_SOUND)

    counts = run.curate(house, Inline(bench))
    again = run.curate(house, Inline(bench))

    assert endings(house) == {ours: KEPT, theirs: SHARED}
    assert (counts.seen, counts.sets.redecided) == (1, 0)
    assert (again.seen, again.sets.redecided) == (0, 0)
    with house.database.reading() as session:
        assert duplicate_queries.unsettled_digests(session, house.clock(), after="", limit=10) == []


def test_what_another_sent_before_it_was_published_is_nobodys(
    house: Collaborators, bench: Workbench, clock: StillClock
) -> None:
    ada, bo = make_lender(house), make_lender(house)
    ours = make_utterance(house, ada, body=ONE_SOUND)
    run.curate(house, Inline(bench))
    theirs = make_utterance(house, bo, body=ONE_SOUND)
    clock.forward(timedelta(days=1))
    publish(house, ours)

    run.curate(house, Inline(bench))

    assert endings(house) == {ours: SHARED, theirs: SHARED}


def test_what_two_have_published_is_nobodys(house: Collaborators, bench: Workbench, clock: StillClock) -> None:
    ada, bo = make_lender(house), make_lender(house)
    ours = make_utterance(house, ada, body=ONE_SOUND)
    run.curate(house, Inline(bench))
    publish(house, ours, "1")
    theirs = make_utterance(house, bo, body=ONE_SOUND)
    run.curate(house, Inline(bench))
    publish(house, theirs, "2")

    run.curate(house, Inline(bench))

    assert endings(house) == {ours: SHARED, theirs: SHARED}


def test_a_set_that_an_older_rule_dropped_is_decided_again(
    house: Collaborators, bench: Workbench, clock: StillClock
) -> None:
    ada, bo = make_lender(house), make_lender(house)
    ours = make_utterance(house, ada, body=ONE_SOUND)
    run.curate(house, Inline(bench))
    publish(house, ours)
    theirs = make_utterance(house, bo, body=ONE_SOUND)
    run.curate(house, Inline(bench))
    with house.database.writing() as session:
        for clip in session.query(Clip):
            clip.outcome, clip.reason = SHARED

    counts = run.curate(house, Inline(bench))

    assert endings(house) == {ours: KEPT, theirs: SHARED}
    assert counts.sets.redecided == 1


def test_when_one_of_two_accounts_withdraws_the_others_clip_is_decided_again(
    house: Collaborators, bench: Workbench
) -> None:
    ada, bo = make_lender(house), make_lender(house)
    ours, theirs = make_utterance(house, ada, body=ONE_SOUND), make_utterance(house, bo, body=ONE_SOUND)
    run.curate(house, Inline(bench))
    withdraw_consent(house, bo.account_id)

    run.curate(house, Inline(bench))

    assert endings(house) == {ours: KEPT, theirs: SHARED}


def test_a_settled_house_is_left_as_it_is(house: Collaborators, bench: Workbench) -> None:
    lender = make_lender(house)
    for body in (ONE_SOUND, ONE_SOUND, None):
        make_utterance(house, lender, body=body)
    run.curate(house, Inline(bench))
    before = endings(house)

    again = run.curate(house, Inline(bench))

    assert (again.seen, again.sets.redecided, again.batches.total) == (0, 0, 0)
    assert endings(house) == before


# Limits, order and what is out of reach


def test_a_limit_takes_the_first_that_came(house: Collaborators, bench: Workbench, clock: StillClock) -> None:
    lender, came = make_lender(house), list[UtteranceId]()
    for _ in range(4):
        came.append(make_utterance(house, lender))
        clock.forward(timedelta(seconds=1))
    progress = list[tuple[int, int]]()
    watcher = run.Watcher(on_progress=lambda done, total: progress.append((done, total)))

    counts = run.curate(house, Inline(bench), limit=3, watcher=watcher)

    assert set(endings(house)) == set(came[:3])
    assert counts.seen == 3
    assert (progress[0], progress[-1]) == ((0, 3), (3, 3))


def test_what_may_not_be_used_is_never_touched(house: Collaborators, bench: Workbench) -> None:
    lender = make_lender(house)
    make_utterance(house, lender)
    withdraw_consent(house, lender.account_id)

    counts = run.curate(house, Inline(bench))

    assert (endings(house), clip_objects(house), counts.batches.total) == ({}, [], 0)


class OutOfReachAtFirst(Vault):
    """A vault whose first reading fails as a store does."""

    def __init__(self, store: ObjectStore, refusal: type[StoreError]) -> None:
        super().__init__(store)
        self.left, self.refusal = 1, refusal

    def get(self, key: AccountKey, object_key: str) -> bytes:
        self.left -= 1
        if self.left >= 0:
            raise self.refusal(object_key)
        return super().get(key, object_key)


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(StoreUnavailable, id="restarting"),
        pytest.param(ObjectForbidden, id="credentials-ran-out"),
        pytest.param(BucketMissing, id="bucket-mistyped"),
    ],
)
def test_what_the_store_refuses_is_no_failure_and_is_tried_again(
    house: Collaborators, bench: Workbench, refusal: type[StoreError]
) -> None:
    lender = make_lender(house)
    wanted = {make_utterance(house, lender) for _ in range(2)}
    flaky = replace(bench, house=replace(house, vault=OutOfReachAtFirst(house.store, refusal)))

    first = run.curate(house, Inline(flaky))
    second = run.curate(house, Inline(bench))

    assert (first.batches.postponed, first.seen, second.seen) == (1, 1, 1)
    assert endings(house) == dict.fromkeys(wanted, KEPT)


@dataclass(frozen=True)
class Breaks:
    """A stage with a fault of its own on clips of one length."""

    samples: int
    name: str = "breaks"
    version: int = 1

    def look_at(self, clip: Measurements) -> Verdict:
        if clip.samples == self.samples:
            raise ZeroDivisionError
        return Keep()


def test_a_fault_in_a_stage_fails_that_clip_and_the_others_go_on(house: Collaborators, bench: Workbench) -> None:
    lender = make_lender(house)
    good, bad = (make_utterance(house, lender, body=wav(tone(duration_s=s))) for s in (1, 2))

    run.curate(house, Inline(replace(bench, stages=[Breaks(samples=32_000)])))

    assert endings(house) == {good: KEPT, bad: (Outcome.FAILED, "ZeroDivisionError")}


def test_the_summary_counts_every_usable_clip_once(house: Collaborators, bench: Workbench) -> None:
    lender, gone = make_lender(house), make_lender(house)
    bodies = [ONE_SOUND, ONE_SOUND, wav(bytes(48_000)), b"OggS no more"]
    for owner, body in [*((lender, body) for body in bodies), (gone, None)]:
        make_utterance(house, owner, body=body)
    run.curate(house, Inline(bench))
    withdraw_consent(house, gone.account_id)

    with house.database.reading() as session:
        summary = queries.outcomes(session, house.clock())

    assert summary == {KEPT: 1, DUPLICATE: 1, SILENT: 1, UNDECODABLE: 1}


# Real recordings


def real_recordings(each_source: int) -> list[dict[str, str]]:
    """The first few of every folder of the manifest."""
    if not (DEV / "manifest.csv").exists():
        pytest.skip(f"no real recordings at {DEV}")
    with (DEV / "manifest.csv").open(encoding="utf-8", newline="") as file:
        manifest = list(csv.DictReader(file))
    taken = Counter[str]()
    chosen = []
    for row in manifest:
        folder = str(Path(row["file"]).parent)
        taken[folder] += 1
        if taken[folder] <= each_source:
            chosen.append(row)
    return chosen


def test_every_real_recording_is_kept_or_dropped_for_a_reason_or_failed(house: Collaborators, bench: Workbench) -> None:
    chosen, lenders = real_recordings(each_source=4), dict[str, Lender]()
    sent = {}
    for row in chosen:
        if row["speaker"] not in lenders:
            lenders[row["speaker"]] = make_lender(house)
        lender = lenders[row["speaker"]]
        sent[make_utterance(house, lender, body=(DEV / row["file"]).read_bytes(), transcript=None)] = row

    counts = run.curate(house, Inline(bench))

    ended = endings(house)
    headerless = {each for each, row in sent.items() if "headerless" in row["tags"]}
    failed = {each for each, (outcome, _) in ended.items() if outcome is Outcome.FAILED}
    assert set(ended) == set(sent)
    assert all(outcome is Outcome.KEPT or reason for outcome, reason in ended.values())
    assert failed == headerless
    assert counts.seen == len(sent) == counts.kept + counts.dropped.total() + counts.failed.total()
    assert counts.kept > 0.6 * len(sent)
