"""Flagged words: a curator decides on each, and what is confirmed is gone from words and sound, everywhere."""

import io
import wave
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from httpx2 import Response
from numpy.typing import NDArray
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from corpus.collaborators import Collaborators
from corpus.database import Database
from corpus.errors import Conflict, DatabaseUnavailable, ObjectForbidden, StoreError, StoreUnavailable
from corpus.sealed import place
from corpus.tables import (
    Alignment,
    Clip,
    Fingerprint,
    Hypothesis,
    NearDuplicate,
    PersonalSpan,
    Review,
    Utterance,
    Verdict,
)
from corpus.vault import Vault
from corpus.words import Decision, Outcome, SpanState, UtteranceId
from curation import near_duplicates, run
from curation.examine import Workbench
from curation.executors import Inline
from curation.review.personal.decide import decide as decide_there
from curation.worker import curate_batch
from ingest.sweep import sweep
from tests.factories import make_clip, make_hypothesis, make_lender, make_utterance, voice_key
from tests.integration.curation.review.console import (
    SAID,
    WORD_S,
    Curator,
    curator_at,
    flagged_clip,
    once,
    rows_of,
    when_a_recording_is_read,
)

NUMBER = (3, 13)
PROBLEM = "urn:loanword:problem:"


def flags(curator: Curator, clip_id: str) -> dict[str, Any]:
    answer = curator.client.get(f"/v1/review/clips/{clip_id}/personal-data", headers=curator.headers)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def decide(curator: Curator, clip_id: str, **body: object) -> Response:
    return curator.client.post(f"/v1/review/clips/{clip_id}/personal-data", json=body, headers=curator.headers)


def samples_of(curator: Curator, clip_id: str) -> NDArray[np.int16]:
    with wave.open(io.BytesIO(curator.hear(clip_id).content)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")


def span_ids(house: Collaborators) -> list[str]:
    with house.database.reading() as session:
        return [row.id for row in session.query(PersonalSpan).filter_by(state=SpanState.PROPOSED)]


def test_what_a_curator_confirms_is_gone_from_sound_and_words_and_so_is_the_original(house: Collaborators) -> None:
    lender, curator = make_lender(house), curator_at(house)
    clip_id = flagged_clip(house, lender)
    curator.next()
    before = samples_of(curator, clip_id)

    seen = flags(curator, clip_id)
    ended = decide(curator, clip_id, confirmed=span_ids(house))
    after = samples_of(curator, clip_id)

    assert [(each["first"], each["stop"], each["kind"]) for each in seen["spans"]] == [(*NUMBER, "phone")]
    assert ended.json() == {
        "clip_id": clip_id,
        "redacted": True,
        "dropped": False,
        "transcript": "call me on okay",
    }
    start, stop = (int(16_000 * WORD_S * word) for word in NUMBER)
    assert before[start:stop].any()
    assert not after[start:stop].any()
    assert np.array_equal(after[: start - 1_760], before[: start - 1_760])
    with house.database.reading() as session:
        clip = session.get_one(Clip, clip_id)
        utterance = session.get_one(Utterance, clip.utterance_id)
        assert (utterance.object_key, utterance.transcript) == (None, None)
        assert [row.words for row in session.query(PersonalSpan)] == [None]
        [hypothesis] = session.query(Hypothesis)
        key = voice_key(house, lender.account_id)
        assert key.open(hypothesis.text, place("hypotheses.text", f"{clip_id}/device")) == b"call me on okay"
        assert session.get_one(Verdict, (clip_id, "personal_data", 1)).outcome is Outcome.KEPT
        assert {info.key for info in house.store.list("voices/")} == {clip.object_key}
    assert curator.accept(clip_id, "call me on okay").status_code == 201


def test_nobody_accepts_a_clip_before_every_flag_is_decided(house: Collaborators) -> None:
    lender, curator = make_lender(house), curator_at(house)
    clip_id = flagged_clip(house, lender)
    curator.next()

    early = curator.accept(clip_id, "call me okay")
    left_out = decide(curator, clip_id, confirmed=[])
    dismissed = decide(curator, clip_id, dismissed=span_ids(house))
    late = curator.accept(clip_id, SAID)

    assert (early.status_code, early.json()["type"]) == (409, f"{PROBLEM}personal-data-undecided")
    assert left_out.status_code == 400
    assert dismissed.json()["redacted"] is False
    assert late.status_code == 201


def test_what_is_confirmed_and_dismissed_at_once_is_refused(house: Collaborators) -> None:
    lender, curator = make_lender(house), curator_at(house)
    clip_id = flagged_clip(house, lender)
    curator.next()
    ids = span_ids(house)

    torn = decide(curator, clip_id, confirmed=ids, dismissed=ids)

    assert torn.status_code == 400
    assert span_ids(house) == ids


def test_personal_data_that_a_curator_types_is_found_unless_they_say_that_they_looked(house: Collaborators) -> None:
    lender, curator = make_lender(house), curator_at(house)
    clip_id = make_clip(house, lender)
    make_hypothesis(house, lender, clip_id, "write to me")
    curator.next()
    typed = "write to jane dot doe at example dot com"

    refused = curator.accept(clip_id, typed)
    looked = curator.judge(clip_id, {"decision": "accept", "transcript": typed, "personal_data_looked": True})

    assert (refused.status_code, refused.json()["type"]) == (409, f"{PROBLEM}personal-data-in-transcript")
    assert looked.status_code == 201
    assert rows_of(house, clip_id) == (1, 1)
    with house.database.reading() as session:
        [row] = session.query(PersonalSpan)
        assert (row.state, row.decided_by) == (SpanState.DISMISSED, curator.account_id)


def test_words_without_times_are_never_taken_out_by_guess(house: Collaborators) -> None:
    lender, curator = make_lender(house), curator_at(house)
    clip_id = flagged_clip(house, lender, aligned=False)
    curator.next()

    refused = decide(curator, clip_id, confirmed=span_ids(house))

    assert flags(curator, clip_id)["removable"] is False
    assert (refused.status_code, refused.json()["type"]) == (409, f"{PROBLEM}no-word-times")
    assert span_ids(house) != []
    assert curator.reject(clip_id, "personal_data").status_code == 201


def test_a_clip_of_which_nothing_is_left_is_dropped(house: Collaborators) -> None:
    lender, curator = make_lender(house), curator_at(house)
    clip_id = flagged_clip(house, lender, said="four one five five five five two six seven one")
    curator.next()

    ended = decide(curator, clip_id, confirmed=span_ids(house))

    assert ended.json()["dropped"] is True
    with house.database.reading() as session:
        clip = session.get_one(Clip, clip_id)
        utterance = session.get_one(Utterance, clip.utterance_id)
        assert (clip.outcome, clip.reason) == (Outcome.DROPPED, "personal_data")
        assert (clip.object_key, clip.pcm_digest) == (utterance.object_key, utterance.transcript) == (None, None)
        assert [row.words for row in session.query(PersonalSpan)] == [None]
        assert [*session.query(Hypothesis), *session.query(Alignment), *session.query(Fingerprint)] == []
    assert list(house.store.list("voices/")) == []
    assert curator.accept(clip_id, "anything").status_code == 404


def test_a_clip_of_which_nothing_is_left_takes_part_in_nothing_more(house: Collaborators, bench: Workbench) -> None:
    lender, curator = make_lender(house), curator_at(house)
    clip_id = flagged_clip(house, lender, said="four one five five five five two six seven one")
    curator.next()
    decide(curator, clip_id, confirmed=span_ids(house))

    counts = run.curate(house, Inline(bench))
    swept = sweep(house)

    assert (counts.seen, counts.rejudged, swept.missing) == (0, 0, ())
    with house.database.reading() as session:
        assert session.get_one(Clip, clip_id).outcome is Outcome.DROPPED


@pytest.mark.parametrize(
    "confirmed", ["four one five five five five two six seven one", SAID], ids=["dropped", "redacted"]
)
def test_what_told_of_the_clip_as_it_was_goes(house: Collaborators, confirmed: str) -> None:
    lender, curator, other = make_lender(house), curator_at(house), curator_at(house)
    clip_id, copy = flagged_clip(house, lender, said=confirmed), make_clip(house, lender)
    near_duplicates.compare(house, [clip_id], {})
    one, another = sorted([clip_id, copy])
    at, sealed = house.clock(), voice_key(house, lender.account_id).seal(b"...", "an earlier opinion")
    with house.database.writing() as session:
        session.add(NearDuplicate(clip_id=one, other_id=another, version=1, coherence=1, overlap_s=1, speed=0, at=at))
        session.add(
            Review(
                id="0" * 32,
                clip_id=clip_id,
                curator_id=other.account_id,
                decision=Decision.ACCEPT,
                transcript=sealed,
                at=at,
            )
        )
    curator.next()

    decide(curator, clip_id, confirmed=span_ids(house))

    with house.database.reading() as session:
        assert [*session.query(NearDuplicate), *session.query(Fingerprint), *session.query(Review)] == []


def test_a_curator_marks_what_nothing_flagged(house: Collaborators) -> None:
    lender, curator = make_lender(house), curator_at(house)
    clip_id = flagged_clip(house, lender, said="the spare key is under the third pot")
    curator.next()

    ended = decide(curator, clip_id, marked=[{"first": 4, "stop": 8}])
    beyond = decide(curator, clip_id, marked=[{"first": 3, "stop": 9}])

    assert ended.json()["transcript"] == "the spare key is"
    assert beyond.status_code == 400


@pytest.mark.parametrize("refusal", [StoreUnavailable, ObjectForbidden])
def test_what_the_store_will_not_erase_now_is_told_of_and_left_to_the_sweep(
    house: Collaborators, refusal: type[StoreError]
) -> None:
    class Stubborn(Vault):
        def erase(self, object_key: str) -> None:
            raise refusal(object_key)

    lender, curator = make_lender(house), curator_at(house)
    clip_id = flagged_clip(house, lender)
    curator.next()
    stubborn = replace(house, vault=Stubborn(house.store))

    with capture_logs() as logs:
        decide_there(stubborn, curator.account_id, clip_id, dict.fromkeys(span_ids(house), SpanState.CONFIRMED))

    left = [each for each in logs if each["event"] == "taken_out_left_to_the_sweep"]
    assert [each["error"] for each in left] == [refusal.__name__] * 2
    assert lender.account_id not in str(logs)


def test_a_process_that_dies_after_the_commit_leaves_the_rest_to_the_sweep(house: Collaborators) -> None:
    class Died(BaseException):
        pass

    class DyingVault(Vault):
        def erase(self, object_key: str) -> None:
            raise Died

    lender, curator = make_lender(house), curator_at(house)
    clip_id = flagged_clip(house, lender)
    curator.next()
    dying = replace(house, vault=DyingVault(house.store))

    with pytest.raises(Died):
        decide_there(dying, curator.account_id, clip_id, dict.fromkeys(span_ids(house), SpanState.CONFIRMED))

    swept = sweep(replace(house, clock=lambda: house.clock().replace(year=house.clock().year + 30)), dry_run=True)
    with house.database.reading() as session:
        kept = session.get_one(Clip, clip_id).object_key
    assert len(swept.orphans) == 2
    assert kept not in swept.orphans


class CommitsInTheDark(Database):
    """The transaction is committed, and then nobody learns of it."""

    @contextmanager
    def writing(self) -> Iterator[Session]:
        with super().writing() as session:
            yield session
        raise DatabaseUnavailable


def test_a_commit_whose_outcome_nobody_knows_leaves_the_clip_its_sound(house: Collaborators) -> None:
    lender, curator = make_lender(house), curator_at(house)
    clip_id = flagged_clip(house, lender)
    curator.next()
    ids = dict.fromkeys(span_ids(house), SpanState.CONFIRMED)
    dark = CommitsInTheDark(house.settings.resolved_database_url())

    with pytest.raises(DatabaseUnavailable), closing(dark):
        decide_there(replace(house, database=dark), curator.account_id, clip_id, ids)

    with house.database.reading() as session:
        object_key = session.get_one(Clip, clip_id).object_key
    assert object_key in {info.key for info in house.store.list("voices/")}
    assert samples_of(curator, clip_id).any()


def test_a_decision_over_a_clip_that_another_tab_has_redacted_meanwhile_brings_nothing_back(
    house: Collaborators,
) -> None:
    lender, curator = make_lender(house), curator_at(house)
    clip_id = flagged_clip(house, lender, said="the spare key is under the third pot")
    curator.next()

    def redact_elsewhere() -> None:
        assert decide(curator, clip_id, marked=[{"first": 1, "stop": 3}]).status_code == 200

    slow = when_a_recording_is_read(house, once(redact_elsewhere))
    with pytest.raises(Conflict):
        decide_there(slow, curator.account_id, clip_id, {}, [(4, 8)])

    assert len(list(house.store.list("voices/"))) == 1
    with house.database.reading() as session:
        [hypothesis] = session.query(Hypothesis)
        key = voice_key(house, lender.account_id)
        text = key.open(hypothesis.text, place("hypotheses.text", f"{clip_id}/device"))
    assert text == b"the is under the third pot"


def test_a_decision_that_comes_after_a_withdrawal_stores_nothing(house: Collaborators) -> None:
    lender, curator = make_lender(house), curator_at(house)
    clip_id = flagged_clip(house, lender)
    curator.next()
    ids = span_ids(house)
    with house.database.writing() as session:
        session.query(Clip).filter_by(id=clip_id).update({"outcome": Outcome.DROPPED, "reason": "duplicate"})

    answer = decide(curator, clip_id, confirmed=ids)

    assert answer.status_code == 404
    assert len(list(house.store.list("voices/"))) == 2


def test_the_worker_flags_what_a_device_understood(house: Collaborators, bench: Workbench) -> None:
    lender = make_lender(house)
    utterance_id: UtteranceId = make_utterance(house, lender, transcript=SAID)

    curate_batch(bench, [utterance_id])

    with house.database.reading() as session:
        [row] = session.query(PersonalSpan)
        assert (row.first_word, row.stop_word, row.state) == (*NUMBER, SpanState.PROPOSED)


def test_a_curator_without_the_lease_sees_no_flag(house: Collaborators) -> None:
    lender, curator, other = make_lender(house), curator_at(house), curator_at(house)
    clip_id = flagged_clip(house, lender)
    curator.next()

    answer = other.client.get(f"/v1/review/clips/{clip_id}/personal-data", headers=other.headers)

    assert answer.status_code == 404
