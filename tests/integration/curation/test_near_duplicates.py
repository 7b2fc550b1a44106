"""The same recording in another form: found, decided as a set, and decided again when a member goes."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

import loanword.samples
from corpus.collaborators import Collaborators
from corpus.erasure_queries import delete_recordings
from corpus.errors import StoreUnavailable
from corpus.keys import AccountKey
from corpus.tables import Clip, Fingerprint, FingerprintBucket, NearDuplicate, Utterance
from corpus.vault import Vault
from corpus.words import ClipId, UtteranceId
from curation import duplicate_queries, fingerprint, near_duplicates, run
from curation.examine import Workbench
from curation.executors import Inline
from curation.worker import curate_batch
from tests.factories import make_clip, make_lender, make_utterance, wav, withdraw_consent
from tests.fixtures.house import StillClock
from tests.integration.curation.damage import damage, keys_that_go, resound
from tests.integration.curation.endings import DUPLICATE, KEPT, SHARED, endings, rows

SAMPLES = Path(loanword.samples.__file__).parent


def speech(name: str = "ash-turn-on-the-kitchen-lights") -> NDArray[np.int16]:
    samples, _ = soundfile.read(SAMPLES / f"{name}.wav", dtype="int16")
    return np.asarray(samples, dtype=np.int16)


def noisy(snr_db: float, seed: int = 1) -> bytes:
    samples = speech()
    noise = np.random.default_rng(seed).normal(0, samples.std() * 10 ** (-snr_db / 20), len(samples))
    return wav(np.clip(samples + noise, -32_768, 32_767).astype("<i2").tobytes())


PLAIN = wav(speech().tobytes())
QUIETER = wav((speech() // 4).astype("<i2").tobytes())


def erase(house: Collaborators, utterance_id: UtteranceId) -> None:
    with house.database.writing() as session:
        delete_recordings(session, Utterance.id == utterance_id)


def test_of_two_forms_of_a_recording_the_better_is_kept(
    house: Collaborators, bench: Workbench, clock: StillClock
) -> None:
    lender = make_lender(house)
    first = make_utterance(house, lender, body=noisy(18))
    clock.forward(timedelta(minutes=1))
    second = make_utterance(house, lender, body=PLAIN)

    run.curate(house, Inline(bench))

    assert endings(house) == {first: DUPLICATE, second: KEPT}
    [pair] = rows(house, NearDuplicate)
    assert 0.6 < pair.coherence < 1


def test_another_form_from_another_account_is_nobodys(house: Collaborators, bench: Workbench) -> None:
    ours = make_utterance(house, make_lender(house), body=PLAIN)
    run.curate(house, Inline(bench))
    theirs = make_utterance(house, make_lender(house), body=QUIETER)

    counts = run.curate(house, Inline(bench))

    assert endings(house) == {ours: SHARED, theirs: SHARED}
    assert (counts.seen, counts.sets.redecided) == (1, 1)


def test_when_the_other_account_withdraws_the_clip_is_kept_again(house: Collaborators, bench: Workbench) -> None:
    ada, bo = make_lender(house), make_lender(house)
    ours, theirs = make_utterance(house, ada, body=PLAIN), make_utterance(house, bo, body=QUIETER)
    run.curate(house, Inline(bench))
    assert endings(house) == {ours: SHARED, theirs: SHARED}
    withdraw_consent(house, bo.account_id)

    run.curate(house, Inline(bench))
    again = run.curate(house, Inline(bench))

    assert endings(house) == {ours: KEPT, theirs: SHARED}
    assert again.sets.redecided == 0


def test_with_the_bridge_between_two_erased_each_is_kept(house: Collaborators, bench: Workbench) -> None:
    ada = make_lender(house)
    bodies = [PLAIN, QUIETER, noisy(25)]
    ids = [make_utterance(house, ada, body=body) for body in bodies]
    run.curate(house, Inline(bench))
    clip_of = {clip.utterance_id: clip.id for clip in rows(house, Clip)}
    left, bridge, right = ids
    with house.database.writing() as session:  # of the triangle, only the bridge's two sides are left
        pair = sorted([clip_of[left], clip_of[right]])
        session.delete(session.get_one(NearDuplicate, (pair[0], pair[1])))
    run.curate(house, Inline(bench))
    assert (
        sorted(endings(house).values()) == sorted([KEPT, DUPLICATE, DUPLICATE], key=str)
        or list(endings(house).values()).count(KEPT) == 1
    )

    erase(house, bridge)
    run.curate(house, Inline(bench))

    assert endings(house) == {left: KEPT, right: KEPT}
    assert rows(house, NearDuplicate) == []


def test_all_that_a_clip_was_found_by_goes_with_it(house: Collaborators, bench: Workbench) -> None:
    ada = make_lender(house)
    first, second = make_utterance(house, ada, body=PLAIN), make_utterance(house, ada, body=QUIETER)
    run.curate(house, Inline(bench))
    assert len(rows(house, Fingerprint)) == 2

    erase(house, first)
    erase(house, second)

    assert [*rows(house, Fingerprint), *rows(house, FingerprintBucket), *rows(house, NearDuplicate)] == []


def test_a_copy_of_equal_sound_joins_the_set_of_what_is_near(house: Collaborators, bench: Workbench) -> None:
    ada = make_lender(house)
    plain, quieter = make_utterance(house, ada, body=PLAIN), make_utterance(house, ada, body=QUIETER)
    run.curate(house, Inline(bench))
    again = make_utterance(house, make_lender(house), body=QUIETER)

    run.curate(house, Inline(bench))

    assert endings(house) == {plain: SHARED, quieter: SHARED, again: SHARED}


def test_a_settled_house_with_near_duplicates_is_left_as_it_is(house: Collaborators, bench: Workbench) -> None:
    ada, bo = make_lender(house), make_lender(house)
    for lender, body in (
        (ada, PLAIN),
        (ada, QUIETER),
        (bo, wav(speech("elm-what-time-does-the-library-close").tobytes())),
    ):
        make_utterance(house, lender, body=body)
    run.curate(house, Inline(bench))
    before = endings(house)

    again = run.curate(house, Inline(bench))

    assert (again.seen, again.sets.redecided, endings(house)) == (0, 0, before)
    with house.database.reading() as session:
        assert duplicate_queries.unsettled_digests(session, house.clock(), after="", limit=10) == []
        assert (
            duplicate_queries.to_compare(session, fingerprint.VERSION, house.clock(), after=ClipId(""), limit=10) == []
        )


class UnavailableOnce(Vault):
    """A vault that cannot be read once the first clip was stored, as after a worker's death."""

    down = True

    def get(self, key: AccountKey, object_key: str) -> bytes:
        if self.down and "/clips/" in object_key:
            raise StoreUnavailable(object_key)
        return super().get(key, object_key)


def test_what_was_recorded_and_not_compared_is_found_again(house: Collaborators, bench: Workbench) -> None:
    ada = make_lender(house)
    first, second = make_utterance(house, ada, body=PLAIN), make_utterance(house, ada, body=QUIETER)
    curate_batch(bench, [first])
    out = UnavailableOnce(house.store)
    curate_batch(replace(bench, house=replace(house, vault=out)), [second])
    assert rows(house, NearDuplicate) == []

    run.decide_duplicates(house)

    assert len(rows(house, NearDuplicate)) == 1
    assert sorted(map(str, endings(house).values())) == sorted(map(str, [KEPT, DUPLICATE]))


def test_a_damaged_clip_is_compared_with_nothing_and_stops_nobody(house: Collaborators, bench: Workbench) -> None:
    ada = make_lender(house)
    first, second = make_utterance(house, ada, body=PLAIN), make_utterance(house, ada, body=QUIETER)
    curate_batch(bench, [first])
    [clip] = rows(house, Clip)
    damage(house, clip.id)

    curate_batch(bench, [second])
    with house.database.writing() as session:  # as after a worker's death, when both are read from the store
        session.query(Fingerprint).update({"compared_at": None})
    run.decide_duplicates(house)

    assert (endings(house), rows(house, NearDuplicate)) == ({first: KEPT, second: KEPT}, [])
    assert None not in {row.compared_at for row in rows(house, Fingerprint)}


def test_a_voice_whose_key_goes_before_it_is_compared_holds_up_nobody(house: Collaborators, bench: Workbench) -> None:
    ada, bo = make_lender(house), make_lender(house)
    ours, theirs = make_utterance(house, ada, body=PLAIN), make_utterance(house, bo, body=QUIETER)
    curate_batch(bench, [ours])

    going = replace(house, keyring=keys_that_go(house, ada.account_id))
    curate_batch(replace(bench, house=going), [theirs])
    run.decide_duplicates(house)

    assert (endings(house)[theirs], rows(house, NearDuplicate)) == (KEPT, [])


def test_a_voice_withdrawn_while_it_is_compared_gets_no_pair(
    house: Collaborators, elsewhere: Collaborators, bench: Workbench
) -> None:
    ada, bo = make_lender(house), make_lender(house)
    ours, theirs = make_utterance(house, ada, body=PLAIN), make_utterance(house, bo, body=QUIETER)
    curate_batch(bench, [ours])

    class Withdraws(Vault):
        def get(self, key: AccountKey, object_key: str) -> bytes:
            if "/clips/" in object_key:
                withdraw_consent(elsewhere, ada.account_id)
            return super().get(key, object_key)

    curate_batch(replace(bench, house=replace(house, vault=Withdraws(house.store))), [theirs])
    run.decide_duplicates(house)

    assert rows(house, NearDuplicate) == []
    assert endings(house)[theirs] == KEPT


class Resounding(Vault):
    """A vault in which a clip gets another sound as soon as so many recordings were opened."""

    def __init__(self, house: Collaborators, clip_id: ClipId, after: int) -> None:
        super().__init__(house.store)
        self.house, self.clip_id, self.left = house, clip_id, after

    def get(self, key: AccountKey, object_key: str) -> bytes:
        pcm = super().get(key, object_key)
        self.left -= 1
        if self.left == 0:
            resound(self.house, self.clip_id, OTHER)
        return pcm


OTHER = speech("elm-what-time-does-the-library-close").tobytes()


def test_a_clip_that_gets_another_sound_meanwhile_has_no_fingerprint_of_the_old_one(house: Collaborators) -> None:
    clip_id = make_clip(house, make_lender(house), pcm=speech().tobytes())

    near_duplicates.compare(replace(house, vault=Resounding(house, clip_id, after=1)), [clip_id], {})

    assert rows(house, Fingerprint) == []
    assert near_duplicates.compare_waiting(house) == 1
    assert len(rows(house, Fingerprint)) == 1


def test_audio_in_memory_is_that_of_its_object_alone(house: Collaborators) -> None:
    lender = make_lender(house)
    first, second = (make_clip(house, lender, pcm=pcm) for pcm in (speech().tobytes(), (speech() // 4).tobytes()))
    near_duplicates.compare(house, [first], {})
    with house.database.reading() as session:
        before = session.get_one(Clip, second).object_key
    assert before is not None
    resound(house, second, OTHER)

    near_duplicates.compare(house, [second], {before: speech() // 4})

    assert rows(house, NearDuplicate) == []


@pytest.mark.parametrize("which", [0, 1], ids=["the-older", "the-newcomer"])
def test_no_pair_is_noted_of_a_sound_that_a_clip_has_no_more(house: Collaborators, which: int) -> None:
    lender = make_lender(house)
    clip_ids = [make_clip(house, lender, pcm=pcm) for pcm in (speech().tobytes(), (speech() // 4).tobytes())]
    near_duplicates.compare(house, clip_ids[:1], {})
    resounding = Resounding(house, clip_ids[which], after=2)

    near_duplicates.compare(replace(house, vault=resounding), clip_ids[1:], {})

    assert resounding.left == 0
    assert rows(house, NearDuplicate) == []
    assert {row.clip_id for row in rows(house, Fingerprint)} == {clip_ids[1 - which]}


@pytest.mark.parametrize("crowd", [3, 12])
def test_a_bucket_proposes_a_few_and_no_more(house: Collaborators, bench: Workbench, crowd: int) -> None:
    lender = make_lender(house)
    ids = [make_utterance(house, lender) for _ in range(crowd)]
    curate_batch(bench, ids)
    with house.database.writing() as session:
        for clip in session.query(Clip):
            session.query(FingerprintBucket).delete()
            session.query(Fingerprint).filter(Fingerprint.clip_id == clip.id).delete()
        for clip in session.query(Clip):
            duplicate_queries.add_fingerprint(session, clip.id, 1, {77: 1, -5: 2})

    with house.database.reading() as session:
        hits = duplicate_queries.hits(session, [77, 12], near_duplicates.BUCKET_MOST)

    assert len(hits) == min(crowd, near_duplicates.BUCKET_MOST)
    assert {(bucket, tick) for bucket, _, tick in hits} == {(77, 1)}
