"""Clips of earlier runs, judged again when measures or rules have changed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from corpus.collaborators import Collaborators
from corpus.keys import AccountKey
from corpus.tables import Account, Clip, Label, Measurement, Verdict
from corpus.vault import Vault
from corpus.words import ClipId, Outcome, Purpose
from curation import pipeline, queries, run
from curation.examine import Workbench
from curation.executors import Inline
from curation.measurements import VERSION
from curation.pipeline import STAGES, Stage, rules
from curation.rejudge import rejudge
from curation.stages.duration import Duration
from ingest.close_account import close_account
from ingest.erase import LATE_WRITERS, finish_erasures
from tests.factories import make_clip, make_lender, make_utterance, tone, wav, withdraw_consent
from tests.fixtures.house import StillClock
from tests.integration.curation.damage import damage, keys_that_go, lose, resound
from tests.integration.curation.endings import DUPLICATE, KEPT, endings, rows

STRICTER: tuple[Stage, ...] = (Duration(shortest_s=2.0, version=9), *STAGES[1:])
TOO_SHORT = (Outcome.DROPPED, "too_short")


class Opened(Vault):
    """A vault that notes what is opened, and lets something happen then."""

    def __init__(self, house: Collaborators) -> None:
        super().__init__(house.store)
        self.opened = list[str]()

    def get(self, key: AccountKey, object_key: str) -> bytes:
        self.opened.append(object_key)
        return super().get(key, object_key)


@pytest.fixture
def watched(house: Collaborators) -> tuple[Collaborators, Opened]:
    vault = Opened(house)
    return replace(house, vault=vault), vault


def test_a_changed_rule_judges_what_was_measured_and_opens_no_audio(
    watched: tuple[Collaborators, Opened], bench: Workbench
) -> None:
    house, vault = watched
    lender = make_lender(house)
    short, long = (make_utterance(house, lender, body=wav(tone(duration_s=s))) for s in (1.0, 3.0))
    run.curate(house, Inline(bench))

    judged = rejudge(house, STRICTER)

    assert judged == 2
    assert endings(house) == {short: TOO_SHORT, long: KEPT}
    assert vault.opened == []
    assert {row.judged_by for row in rows(house, Measurement)} == {rules(STRICTER)}
    versions = {each.stage_version for each in rows(house, Verdict) if each.stage == "duration"}
    assert versions == {Duration().version, 9}


def test_judging_again_by_the_same_rules_does_nothing(house: Collaborators, bench: Workbench) -> None:
    make_utterance(house, make_lender(house))
    make_utterance(house, make_lender(house), body=b"fLaC and no more")
    run.curate(house, Inline(bench))

    assert rejudge(house) == 0


def test_what_a_stricter_rule_dropped_comes_back_when_it_goes(house: Collaborators, bench: Workbench) -> None:
    utterance_id = make_utterance(house, make_lender(house), body=wav(tone(duration_s=1.0)))
    run.curate(house, Inline(bench))
    rejudge(house, STRICTER)
    assert endings(house) == {utterance_id: TOO_SHORT}

    counts = run.curate(house, Inline(bench))

    assert endings(house) == {utterance_id: KEPT}
    assert counts.rejudged == 1


def test_what_was_dropped_without_audio_is_made_anew_from_its_original(house: Collaborators, bench: Workbench) -> None:
    utterance_id = make_utterance(house, make_lender(house), body=wav(tone(duration_s=1.0)))
    run.curate(house, Inline(replace(bench, stages=STRICTER)))
    assert endings(house) == {utterance_id: TOO_SHORT}

    run.curate(house, Inline(bench))

    [clip] = rows(house, Clip)
    assert endings(house) == {utterance_id: KEPT}
    assert clip.object_key is not None


def test_copies_are_judged_again_as_what_they_are_copies_of_is(house: Collaborators, bench: Workbench) -> None:
    lender, sound = make_lender(house), tone(duration_s=1.0)
    copies = sorted(make_utterance(house, lender, body=wav(sound)) for _ in range(2))
    run.curate(house, Inline(bench))
    assert endings(house) == {copies[0]: KEPT, copies[1]: DUPLICATE}

    rejudge(house, STRICTER)

    assert set(endings(house).values()) == {TOO_SHORT}


def test_a_changed_measure_is_taken_again_from_the_audio_and_only_that(
    watched: tuple[Collaborators, Opened], bench: Workbench
) -> None:
    house, vault = watched
    lender = make_lender(house)
    for seconds in (1.0, 2.0):
        make_utterance(house, lender, body=wav(bytes(32_000) + tone(duration_s=seconds)))
    run.curate(house, Inline(bench))
    before = {row.clip_id: (row.rms_dbfs, row.samples, row.trimmed_start) for row in rows(house, Measurement)}
    with house.database.writing() as session:
        old = session.query(Measurement).order_by(Measurement.samples).first()
        assert old is not None
        old.version, old.rms_dbfs = VERSION - 1, -1.0

    judged = rejudge(house)

    assert (judged, len(vault.opened)) == (1, 1)
    assert {row.clip_id: (row.rms_dbfs, row.samples, row.trimmed_start) for row in rows(house, Measurement)} == before
    assert {row.version for row in rows(house, Measurement)} == {VERSION}


def test_clips_of_an_older_release_are_measured_and_what_people_said_of_them_stays(house: Collaborators) -> None:
    make_clip(house, make_lender(house), pcm=tone(duration_s=1.0), label="turn on the lights")

    judged = rejudge(house, STRICTER)

    assert judged == 1
    assert list(endings(house).values()) == [TOO_SHORT]
    assert len(rows(house, Label)) == len(rows(house, Measurement)) == 1


@pytest.mark.parametrize("while_it_is_measured", [False, True], ids=["before", "while-it-is-measured"])
def test_a_voice_that_was_taken_back_is_not_judged_again(house: Collaborators, while_it_is_measured: bool) -> None:
    lender = make_lender(house)
    make_clip(house, lender, pcm=tone(duration_s=1.0))

    class Withdrawing(Opened):
        def get(self, key: AccountKey, object_key: str) -> bytes:
            withdraw_consent(house, lender.account_id, Purpose.COLLECT)
            return super().get(key, object_key)

    vault = Withdrawing(house)
    if not while_it_is_measured:
        withdraw_consent(house, lender.account_id, Purpose.COLLECT)

    judged = rejudge(replace(house, vault=vault), STRICTER)

    assert (judged, len(vault.opened)) == (0, int(while_it_is_measured))
    assert list(endings(house).values()) == [KEPT]
    assert rows(house, Measurement) == []


def stale(house: Collaborators) -> int:
    with house.database.reading() as session:
        return queries.count_stale(session, house.clock(), version=VERSION, rules=rules(pipeline.STAGES))


def test_a_voice_taken_back_between_two_steps_holds_up_nobody_elses_clip(house: Collaborators) -> None:
    leaves, stays = make_lender(house), make_lender(house)
    make_clip(house, leaves)
    kept = make_clip(house, stays)

    judged = rejudge(replace(house, keyring=keys_that_go(house, leaves.account_id)))

    assert judged == 1
    assert [row.clip_id for row in rows(house, Measurement)] == [kept]


def test_an_account_that_is_closed_and_forgotten_meanwhile_holds_up_nobody_elses_clip(
    house: Collaborators, clock: StillClock
) -> None:
    leaves = make_lender(house)
    make_clip(house, leaves)
    kept = make_clip(house, make_lender(house))

    class Closing(Opened):
        def get(self, key: AccountKey, object_key: str) -> bytes:
            pcm = super().get(key, object_key)
            if len(self.opened) == 1:
                close_account(house, leaves.account_id)
                clock.forward(LATE_WRITERS)
                finish_erasures(house)
            return pcm

    rejudge(replace(house, vault=Closing(house)))

    with house.database.reading() as session:
        assert session.get(Account, leaves.account_id) is None
    assert [row.clip_id for row in rows(house, Measurement)] == [kept]


@pytest.mark.parametrize("harm", [damage, lose], ids=["damaged", "lost"])
@pytest.mark.parametrize("measured_before", [False, True], ids=["of-an-older-release", "of-an-older-measure"])
def test_a_clip_that_cannot_be_opened_keeps_its_verdict_and_is_tried_once(
    house: Collaborators, harm: Callable[[Collaborators, ClipId], None], measured_before: bool
) -> None:
    lender = make_lender(house)
    broken, whole = make_clip(house, lender), make_clip(house, lender)
    if measured_before:
        rejudge(house)
        with house.database.writing() as session:
            session.query(Measurement).update({"version": VERSION - 1, "judged_by": "other rules"})
    harm(house, broken)

    judged = rejudge(house)

    assert (judged, stale(house)) == (1, 0)
    assert list(endings(house).values()) == [KEPT, KEPT]
    assert {row.clip_id for row in rows(house, Measurement) if row.version == VERSION} == {whole}
    [tried] = [row for row in rows(house, Verdict) if row.outcome is Outcome.FAILED]
    assert (tried.clip_id, tried.stage) == (broken, "measurement")


def test_a_clip_that_gets_another_sound_while_it_is_measured_is_measured_by_the_next_pass(house: Collaborators) -> None:
    clip_id = make_clip(house, make_lender(house), pcm=tone(duration_s=3.0))

    class Resounding(Opened):
        def get(self, key: AccountKey, object_key: str) -> bytes:
            pcm = super().get(key, object_key)
            resound(house, clip_id, tone(duration_s=2.0))
            return pcm

    first = rejudge(replace(house, vault=Resounding(house)))
    measured = rows(house, Measurement)
    second = rejudge(house)

    assert (first, measured, second) == (0, [], 1)
    assert [row.samples for row in rows(house, Measurement)] == [32_000]
