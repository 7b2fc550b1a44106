"""Deleting recordings: one, several, all."""

import threading

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from corpus import object_keys
from corpus.collaborators import Collaborators
from corpus.errors import NotFound, RecordingDeleted
from corpus.tables import DoomedObject, Erasure, Release, Tombstone, Utterance
from corpus.words import ReleaseState, Scope, new_id
from ingest.delete_recordings import delete_recordings
from ingest.erase import LATE_WRITERS, finish_erasures
from tests.factories import (
    Lender,
    make_clip,
    make_lender,
    make_token,
    make_utterance,
    tone,
    voice_key,
    wav,
)
from tests.fixtures.house import StillClock
from tests.integration.corpus.test_release_queries import make_release
from tests.integration.ingest.erasures import tables_that_name, upload, voices
from tests.integration.ingest.traces import bearer


def utterance_of(house: Collaborators, clip_id: str) -> str:
    from corpus.tables import Clip

    with house.database.reading() as session:
        return session.scalars(select(Clip.utterance_id).where(Clip.id == clip_id)).one()


def utterances(house: Collaborators, lender: Lender) -> list[str]:
    with house.database.reading() as session:
        mine = select(Utterance.id).where(Utterance.account_id == lender.account_id)
        return list(session.scalars(mine))


def test_a_deleted_recording_is_gone_and_all_others_stay(house: Collaborators, clock: StillClock) -> None:
    lender, other = make_lender(house), make_lender(house)
    make_clip(house, lender, label="stay")
    make_clip(house, other, label="stay")
    clip_id = make_clip(house, lender, label="go")
    before = set(voices(house, lender.account_id))

    utterance_id = utterance_of(house, clip_id)
    delete_recordings(house, lender.account_id, [utterance_id])  # type: ignore[list-item]

    assert tables_that_name(house, utterance_id) == []
    assert tables_that_name(house, clip_id) == []
    finish_erasures(house)
    gone = before - set(voices(house, lender.account_id))
    assert len(gone) == 2
    assert all(utterance_id in key or clip_id in key for key in gone)
    assert len(voices(house, other.account_id)) == 2
    with house.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(DoomedObject)) == 0
        assert session.scalars(select(Erasure.erased_at)).one() == clock.now


def test_recordings_of_the_same_sound_go_too_and_it_says_so(house: Collaborators) -> None:
    lender, other = make_lender(house), make_lender(house)
    pcm = tone(frequency_hz=333)
    first = make_clip(house, lender, pcm=pcm)
    make_clip(house, lender, pcm=pcm)
    make_clip(house, other, pcm=pcm)

    deleted = delete_recordings(house, lender.account_id, [utterance_of(house, first)])  # type: ignore[list-item]

    assert (deleted.recordings, deleted.same_sound) == (2, 1)
    assert utterances(house, lender) == []
    assert len(utterances(house, other)) == 1


def test_all_recordings_may_be_deleted_at_once(house: Collaborators) -> None:
    lender = make_lender(house)
    for _ in range(3):
        make_utterance(house, lender)

    assert delete_recordings(house, lender.account_id).recordings == 3

    assert utterances(house, lender) == []
    assert delete_recordings(house, lender.account_id).recordings == 0


def test_nobody_deletes_what_is_somebody_elses(house: Collaborators, api: TestClient) -> None:
    lender, other = make_lender(house), make_lender(house)
    theirs = make_utterance(house, other)
    token = make_token(house, lender.account_id, Scope.ACCOUNT)

    answers = [
        api.delete(f"/v1/utterances/{theirs}", headers=bearer(token)),
        api.post("/v1/utterances/delete", json={"utterances": [theirs]}, headers=bearer(token)),
        api.delete(f"/v1/utterances/{theirs}", headers=bearer(other.device_token)),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 403]
    assert utterances(house, other) == [theirs]


def test_a_retry_of_a_deleted_upload_is_told_to_drop_it(house: Collaborators, api: TestClient) -> None:
    lender = make_lender(house)
    body = wav(tone(frequency_hz=310))
    headers = {**bearer(lender.device_token), "Idempotency-Key": "k"}
    stored = api.post("/v1/utterances", content=body, headers=headers).json()["id"]
    token = make_token(house, lender.account_id, Scope.ACCOUNT)

    answer = api.delete(f"/v1/utterances/{stored}", headers=bearer(token))
    retry = api.post("/v1/utterances", content=body, headers=headers)

    assert (answer.status_code, answer.json()["deleted"]) == (200, 1)
    assert (retry.status_code, retry.json()["type"]) == (410, "urn:loanword:problem:recording-deleted")
    assert utterances(house, lender) == []
    assert voices(house, lender.account_id) == []


def test_a_released_clip_leaves_a_tombstone_and_its_release_waits_for_a_recut(house: Collaborators) -> None:
    lender, other = make_lender(house), make_lender(house)
    mine, theirs = make_clip(house, lender, label="a"), make_clip(house, other, label="b")
    make_release(house, [[mine], [theirs]])

    delete_recordings(house, lender.account_id, [utterance_of(house, mine)])  # type: ignore[list-item]
    finish_erasures(house)

    with house.database.reading() as session:
        [tombstone] = session.scalars(select(Tombstone)).all()
        release = session.scalars(select(Release)).one()
    assert mine in tombstone.wav_filename
    assert release.state is ReleaseState.CURRENT
    assert release.recut_at is not None
    left = [info.key for info in house.store.list(object_keys.release_prefix("commands", "1"))]
    assert not any(key.endswith("train-00000.tar") for key in left)
    assert any(key.endswith("train-00001.tar") for key in left)


def test_what_a_late_worker_made_of_a_deleted_recording_goes_with_the_last_look(
    house: Collaborators, clock: StillClock
) -> None:
    lender = make_lender(house)
    kept, gone = make_utterance(house, lender), make_utterance(house, lender)
    delete_recordings(house, lender.account_id, [gone])
    finish_erasures(house)
    key = voice_key(house, lender.account_id)
    late = f"{object_keys.voice_prefix(lender.account_id, key.key_id)}clips/{new_id()}-{new_id()}"
    house.vault.put(key, late, b"a voice")
    clock.now = _modified(house, late) + 3 * LATE_WRITERS

    finish_erasures(house)

    [left] = voices(house, lender.account_id)
    assert kept in left
    with house.database.reading() as session:
        assert session.scalars(select(Erasure.done_at)).one() == clock.now


def _modified(house: Collaborators, key: str):  # type: ignore[no-untyped-def]
    [info] = [info for info in house.store.list(object_keys.VOICES) if info.key == key]
    return info.modified_at


@pytest.mark.parametrize("first", ["upload", "deletion"])
def test_a_retry_that_races_with_the_deletion_brings_nothing_back(house: Collaborators, first: str) -> None:
    """Whichever commits first, there is nothing afterwards."""
    lender = make_lender(house)
    utterance_id = upload(house, lender, key="k")
    refused: list[Exception] = []

    def retry() -> None:
        try:
            upload(house, lender, key="k")
        except RecordingDeleted as error:
            refused.append(error)

    acts = [retry, lambda: delete_recordings(house, lender.account_id, [utterance_id])]
    threads = [threading.Thread(target=act) for act in (acts if first == "upload" else reversed(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    retry()
    assert len(refused) >= 1
    assert utterances(house, lender) == []


def test_deleting_again_finds_nothing(house: Collaborators) -> None:
    lender = make_lender(house)
    utterance_id = make_utterance(house, lender)
    delete_recordings(house, lender.account_id, [utterance_id])

    with pytest.raises(NotFound):
        delete_recordings(house, lender.account_id, [utterance_id])


@pytest.mark.parametrize("asked", [{}, {"all": True, "utterances": ["0" * 32]}, {"all": False}])
def test_an_unclear_wish_deletes_nothing(house: Collaborators, api: TestClient, asked: dict[str, object]) -> None:
    lender = make_lender(house)
    make_utterance(house, lender)
    token = make_token(house, lender.account_id, Scope.ACCOUNT)

    assert api.post("/v1/utterances/delete", json=asked, headers=bearer(token)).status_code == 400
    assert len(utterances(house, lender)) == 1
