"""Taking clips out of releases: tombstones, states, and what must go, all in the withdrawal's own transaction."""

import json
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select

from corpus import object_keys, release_queries, signing
from corpus.collaborators import Collaborators
from corpus.release_queries import Entombed, clips_of_account, clips_of_utterances, entomb
from corpus.release_state import STATE
from corpus.tables import Clip, Release, ReleaseClip, ReleaseFile, ReleaseSerial, Tombstone
from corpus.withdrawn_releases import empty_withdrawn
from corpus.words import AccountId, ClipId, ReleaseId, ReleaseState, Split, TombstoneReason, new_id
from tests.factories import Lender, make_clip, make_lender
from tests.fixtures.house import StillClock

FILES = ("archives/train-00000.tar", "archives/train-00001.tar", "clips.jsonl", "train.csv", "README.md")


def make_release(
    house: Collaborators,
    clips: Sequence[Sequence[ClipId]],
    *,
    name: str = "commands",
    version: str = "1",
    state: ReleaseState = ReleaseState.CURRENT,
    proofs: bool = True,
) -> ReleaseId:
    """Rows and objects of a release whose n-th archive holds the n-th of these groups of clips."""
    release_id = ReleaseId(new_id())
    published = None if state is ReleaseState.DRAFT else house.clock()
    with house.database.writing() as session:
        session.add(
            Release(
                id=release_id,
                name=name,
                version=version,
                state=state,
                policy="{}",
                snapshot_at=house.clock(),
                published_at=published,
                consent_root="0" * 64 if proofs else None,
            )
        )
        session.flush()
        for number, group in enumerate(clips):
            for clip in group:
                session.add(
                    ReleaseClip(
                        release_id=release_id,
                        clip_id=clip,
                        wav_filename=f"clips/{clip[:2]}/{clip}.wav",
                        speaker="s",
                        split=Split.TRAIN,
                        shard=f"archives/train-{number:05d}.tar",
                        wav_sha256=clip * 2,
                    )
                )
        session.add_all(
            ReleaseFile(release_id=release_id, path=path, size_bytes=1, sha256="1" * 64, revision=1) for path in FILES
        )
    for path in FILES:
        house.store.put(object_keys.release_file(name, version, 1, path), b"x")
    return release_id


def clips_of(house: Collaborators, lender: Lender) -> list[ClipId]:
    with house.database.reading() as session:
        return sorted(session.scalars(clips_of_account(lender.account_id)))


def withdraw(house: Collaborators, account_id: AccountId) -> Entombed:
    with house.database.writing() as session:
        return entomb(
            session,
            house.signer,
            clips_of_account(account_id),
            TombstoneReason.WITHDRAWN,
            house.clock(),
            house.settings.release_state_lasts,
        )


def release(house: Collaborators, release_id: ReleaseId) -> Release:
    with house.database.reading() as session:
        return session.get_one(Release, release_id)


def tombstones(house: Collaborators) -> list[Tombstone]:
    with house.database.reading() as session:
        return list(session.scalars(select(Tombstone).order_by(Tombstone.version, Tombstone.wav_filename)))


def state(house: Collaborators, name: str = "commands") -> dict[str, object]:
    with house.database.reading() as session:
        row = session.get_one(ReleaseSerial, name)
    return signing.verify(row.document, STATE, {house.signer.key_id: house.signer.public_key})


@pytest.fixture
def two(house: Collaborators) -> tuple[Lender, Lender]:
    lenders = make_lender(house), make_lender(house)
    for lender in lenders:
        for _ in range(2):
            make_clip(house, lender)
    return lenders


def test_a_withdrawn_voice_gets_tombstones_and_its_release_waits_for_a_recut(
    house: Collaborators, two: tuple[Lender, Lender]
) -> None:
    leaving, staying = two
    gone, kept = clips_of(house, leaving), clips_of(house, staying)
    release_id = make_release(house, [gone, kept])

    entombed = withdraw(house, leaving.account_id)

    assert entombed == Entombed(2, ("commands",))
    assert [(each.wav_filename, each.wav_sha256, each.revision, each.reason) for each in tombstones(house)] == [
        (f"clips/{clip[:2]}/{clip}.wav", clip * 2, 1, "withdrawn") for clip in gone
    ]
    assert {each.at.hour for each in tombstones(house)} == {0}
    found = release(house, release_id)
    assert (found.state, found.recut_at) == (ReleaseState.CURRENT, house.clock())
    with house.database.reading() as session:
        assert sorted(session.scalars(select(ReleaseClip.clip_id))) == kept


def test_the_state_is_signed_in_the_same_commit_and_counts_the_tombstones(
    house: Collaborators, two: tuple[Lender, Lender]
) -> None:
    make_release(house, [clips_of(house, two[0])])

    withdraw(house, two[0].account_id)

    told = state(house)
    assert (told["serial"], told["tombstones"]["count"]) == (1, 2)  # type: ignore[index]
    assert json.dumps(told["versions"]).count('"awaits_recut": true') == 1
    assert {each.serial for each in tombstones(house)} == {1}


def test_what_holds_the_voice_is_erased_and_nothing_else(house: Collaborators, two: tuple[Lender, Lender]) -> None:
    make_release(house, [clips_of(house, two[0]), clips_of(house, two[1])])
    withdraw(house, two[0].account_id)

    erased = empty_withdrawn(house).objects

    left = [info.key.removeprefix("releases/commands/1/") for info in house.store.list("releases/")]
    assert (erased, sorted(left)) == (3, ["README.md", "archives/train-00001.tar"])
    assert empty_withdrawn(house).objects == 0


@pytest.mark.parametrize(
    ("state_before", "proofs", "written"),
    [
        pytest.param(ReleaseState.SUPERSEDED, True, 2, id="superseded"),
        pytest.param(ReleaseState.DRAFT, True, 0, id="draft"),
        pytest.param(ReleaseState.REVOKED, True, 2, id="revoked-before"),
        pytest.param(ReleaseState.CURRENT, False, 2, id="published-before-there-were-proofs"),
    ],
)
def test_what_cannot_be_recut_is_revoked(
    house: Collaborators, two: tuple[Lender, Lender], state_before: ReleaseState, proofs: bool, written: int
) -> None:
    release_id = make_release(house, [clips_of(house, two[0])], state=state_before, proofs=proofs)

    entombed = withdraw(house, two[0].account_id)

    assert entombed.tombstones == written
    assert release(house, release_id).state is ReleaseState.REVOKED
    empty_withdrawn(house)
    assert list(house.store.list("releases/commands/1/")) == []


def test_every_name_that_holds_the_voice_has_its_own_serial(house: Collaborators, two: tuple[Lender, Lender]) -> None:
    make_release(house, [clips_of(house, two[0])], name="apples")
    make_release(house, [clips_of(house, two[0])], name="pears")
    make_release(house, [clips_of(house, two[1])], name="plums")

    assert withdraw(house, two[0].account_id).names == ("apples", "pears")
    assert withdraw(house, two[1].account_id).names == ("plums",)
    assert [state(house, name)["serial"] for name in ("apples", "pears", "plums")] == [1, 1, 1]


def test_done_twice_is_done_once(house: Collaborators, two: tuple[Lender, Lender], clock: StillClock) -> None:
    make_release(house, [clips_of(house, two[0])])
    withdraw(house, two[0].account_id)
    clock.forward(timedelta(hours=1))

    assert withdraw(house, two[0].account_id) == Entombed(0, ())
    assert len(tombstones(house)) == 2


def test_a_single_recording_takes_the_same_road(house: Collaborators, two: tuple[Lender, Lender]) -> None:
    first, second = clips_of(house, two[0])
    make_release(house, [[first], [second]])
    with house.database.reading() as session:
        utterance_id = session.get_one(Clip, second).utterance_id

    with house.database.writing() as session:
        entomb(
            session,
            house.signer,
            clips_of_utterances([utterance_id]),
            TombstoneReason.WITHDRAWN,
            house.clock(),
            timedelta(days=7),
        )

    assert [each.wav_sha256 for each in tombstones(house)] == [second * 2]
    with house.database.reading() as session:
        assert [file.path for file in release_queries.withdrawn_files(session)] == [
            "archives/train-00001.tar",
            "clips.jsonl",
            "train.csv",
        ]
