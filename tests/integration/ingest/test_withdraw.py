"""Taking consent back, and what is erased for it."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from corpus import object_keys, queries
from corpus.collaborators import Collaborators
from corpus.errors import KeyDestroyed, ObjectForbidden, StoreUnavailable
from corpus.keys import KeyKind
from corpus.object_store import ObjectStore
from corpus.tables import Account, Erasure, Release, ReleaseClip, SplitAssignment
from corpus.words import AccountId, ClipId, KeyId, Purpose, ReleaseId, ReleaseState, Scope, Split, new_id
from ingest.erase import LATE_WRITERS, finish_erasures
from ingest.give_consent import Agreement, give_consent
from ingest.withdraw import with_dependents, withdraw
from tests.factories import Lender, make_clip, make_lender, make_token, make_utterance, publish_notice, voice_key
from tests.fixtures.house import StillClock
from tests.integration.ingest.traces import Traces, bearer


def make_release(house: Collaborators, clips: Iterable[tuple[Lender, ClipId]], version: str = "1.0") -> ReleaseId:
    """A current release of these clips, with an object of its own."""
    release_id = ReleaseId(new_id())
    house.store.put(f"releases/voices/{version}/release.json", b"{}")
    with house.database.writing() as session:
        session.add(
            Release(
                id=release_id,
                name="voices",
                version=version,
                state=ReleaseState.CURRENT,
                policy="{}",
                snapshot_at=house.clock(),
            )
        )
        session.flush()
        for lender, clip_id in clips:
            speaker = lender.account_id[:8]
            session.add(
                ReleaseClip(
                    release_id=release_id,
                    clip_id=clip_id,
                    wav_filename=f"clips/{clip_id}.wav",
                    speaker=speaker,
                    split=Split.TRAIN,
                    shard="train-00000.tar",
                )
            )
            session.merge(SplitAssignment(release_name="voices", account_id=lender.account_id, split=Split.TRAIN))
    return release_id


def release_states(house: Collaborators) -> dict[str, ReleaseState]:
    with house.database.reading() as session:
        return {release.version: release.state for release in session.scalars(select(Release))}


def below(store: ObjectStore, prefix: str) -> list[str]:
    return [info.key for info in store.list(prefix)]


def has_key(house: Collaborators, account_id: AccountId, key_id: KeyId) -> bool:
    return object_keys.account_key(account_id, key_id) in below(house_keys(house), "accounts/")


def house_keys(house: Collaborators) -> ObjectStore:
    return house.keyring._wrapped_keys  # there is no other way to see that a key is gone


@pytest.mark.parametrize(
    ("named", "gone"),
    [
        ({Purpose.COLLECT}, set(Purpose)),
        ({Purpose.REVIEW}, {Purpose.REVIEW, Purpose.PUBLISH}),
        ({Purpose.PUBLISH}, {Purpose.PUBLISH}),
        ({Purpose.DEMOGRAPHICS}, {Purpose.DEMOGRAPHICS}),
        (set(), set()),
    ],
    ids=["collect", "review", "publish", "demographics", "nothing"],
)
def test_what_needs_a_purpose_goes_with_it(named: set[Purpose], gone: set[Purpose]) -> None:
    assert with_dependents(named) == gone


def test_the_voice_key_is_gone_before_the_answer(house: Collaborators, api: TestClient) -> None:
    lender = make_lender(house)
    key = voice_key(house, lender.account_id)
    token = make_token(house, lender.account_id, Scope.ACCOUNT)

    answer = api.post("/v1/consent/withdraw", headers=bearer(token))

    assert answer.status_code == 200
    assert not any(state["in_force"] for state in answer.json()["purposes"].values())
    with pytest.raises(KeyDestroyed):
        house.keyring.unwrap(lender.account_id, key.key_id, KeyKind.VOICE)


def test_a_withdrawal_alone_closes_the_gate_and_destroys_the_key(house: Collaborators, traces: Traces) -> None:
    lender = make_lender(house)
    key = voice_key(house, lender.account_id)
    make_clip(house, lender, label="lights on")

    withdraw(house, lender.account_id)

    assert not has_key(house, lender.account_id, key.key_id)
    with house.database.reading() as session:
        assert session.execute(queries.usable_clips(Purpose.COLLECT, house.clock())).all() == []
        assert session.get_one(Account, lender.account_id).voice_key_id is None


def test_an_erasure_removes_every_object_and_row_of_the_voice_and_nothing_of_others(
    house: Collaborators, traces: Traces
) -> None:
    lender, other = make_lender(house), make_lender(house)
    kept = make_clip(house, other, label="stay")
    gone = make_clip(house, lender, label="go")
    make_utterance(house, lender)
    objects_of_other = [key for key in traces.objects() if other.account_id in key]
    withdraw(house, lender.account_id)

    erased = finish_erasures(house)

    assert (erased.objects, erased.utterances, erased.finished) == (3, 2, 0)
    assert traces.objects() == objects_of_other
    rows = str(traces.rows())
    assert kept in rows
    assert gone not in rows


def test_erasing_again_changes_nothing(house: Collaborators, traces: Traces) -> None:
    lender = make_lender(house)
    make_clip(house, lender, label="go")
    withdraw(house, lender.account_id)
    finish_erasures(house)
    before = traces.now()

    again = finish_erasures(house)

    assert (again.objects, again.utterances) == (0, 0)
    assert traces.now() == before


class Immovable:
    """A real store that will not erase what lies below one prefix."""

    def __init__(self, store: ObjectStore, prefix: str) -> None:
        self.store, self.prefix = store, prefix

    def erase(self, key: str) -> None:
        if key.startswith(self.prefix):
            raise ObjectForbidden(key)
        self.store.erase(key)

    def erase_all(self, keys: Collection[str]) -> None:
        for key in keys:
            self.erase(key)

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)


def test_one_object_that_cannot_be_erased_holds_up_nobody_else(house: Collaborators) -> None:
    lenders = [make_lender(house) for _ in range(3)]
    prefixes = [object_keys.voice_prefix(each.account_id, voice_key(house, each.account_id).key_id) for each in lenders]
    for lender in lenders:
        make_utterance(house, lender)
        withdraw(house, lender.account_id)
    stuck = replace(house, store=cast(ObjectStore, Immovable(house.store, prefixes[0])))

    with pytest.raises(ObjectForbidden):
        finish_erasures(stuck)

    assert [len(below(house.store, prefix)) for prefix in prefixes] == [1, 0, 0]


def test_what_a_slow_writer_stores_after_the_first_look_is_found_by_the_last(
    house: Collaborators, traces: Traces, clock: StillClock
) -> None:
    lender = make_lender(house)
    key = voice_key(house, lender.account_id)
    withdraw(house, lender.account_id)
    finish_erasures(house)
    late = f"{object_keys.voice_prefix(lender.account_id, key.key_id)}utterances/late-1"
    house.store.put(late, b"sealed under a key that is gone")
    clock.forward(LATE_WRITERS)

    erased = finish_erasures(house)

    assert (erased.objects, erased.finished) == (1, 1)
    assert traces.objects() == []
    with house.database.reading() as session:
        assert session.scalars(select(Erasure.done_at)).all() == [clock.now]


def test_an_erasure_is_not_done_before_every_slow_writer_must_be(house: Collaborators, clock: StillClock) -> None:
    withdraw(house, make_lender(house).account_id)
    clock.forward(LATE_WRITERS - timedelta(seconds=1))

    assert finish_erasures(house).finished == 0


def test_someone_who_returns_has_a_new_key_that_a_late_erasure_leaves_alone(
    house: Collaborators, traces: Traces, clock: StillClock
) -> None:
    publish_notice(house)
    lender = make_lender(house)
    old = voice_key(house, lender.account_id)
    make_clip(house, lender, label="before")
    withdraw(house, lender.account_id)
    clock.forward(timedelta(days=1))
    agreement = Agreement("1", "en-US", frozenset({Purpose.COLLECT, Purpose.REVIEW}), adult=True)
    give_consent(house, lender.account_id, agreement)
    new = voice_key(house, lender.account_id)
    house.store.put(f"{object_keys.voice_prefix(lender.account_id, new.key_id)}utterances/new-1", b"sealed")

    finish_erasures(house)

    assert new.key_id != old.key_id
    assert traces.objects() == [f"{object_keys.voice_prefix(lender.account_id, new.key_id)}utterances/new-1"]
    assert voice_key(house, lender.account_id).secret == new.secret
    assert traces.utterances() == 0


class KeysOutOfReach:
    """A key store that cannot be reached until it is mended."""

    def __init__(self, keys: ObjectStore) -> None:
        self.keys = keys
        self.is_broken = True

    def erase(self, key: str) -> None:
        if self.is_broken:
            raise StoreUnavailable(key)
        self.keys.erase(key)

    def __getattr__(self, name: str) -> object:
        return getattr(self.keys, name)


def test_while_the_key_store_is_down_the_gate_is_closed_and_asking_again_finishes(
    house: Collaborators, api: TestClient
) -> None:
    lender = make_lender(house)
    key = voice_key(house, lender.account_id)
    token = make_token(house, lender.account_id, Scope.ACCOUNT)
    keys = KeysOutOfReach(house_keys(house))
    house.keyring._wrapped_keys = keys  # type: ignore[assignment]  # the one verb that fails is real

    first = api.post("/v1/consent/withdraw", headers=bearer(token))

    assert (first.status_code, "retry-after" in first.headers) == (503, True)
    upload = api.post("/v1/utterances", content=b"x", headers=bearer(lender.device_token))
    assert upload.json()["type"] == "urn:loanword:problem:consent-withdrawn"
    keys.is_broken = False
    assert api.post("/v1/consent/withdraw", headers=bearer(token)).status_code == 200
    assert not has_key(house, lender.account_id, key.key_id)


def test_withdrawing_twice_says_so_once_in_the_ledger(house: Collaborators, clock: StillClock) -> None:
    lender = make_lender(house)
    withdraw(house, lender.account_id)
    clock.forward(timedelta(days=1))

    states = withdraw(house, lender.account_id)

    with house.database.reading() as session:
        facts = queries.consent_facts(session, lender.account_id)
    assert len(facts) == 6  # three given, three withdrawn
    assert not any(state.in_force for state in states)


def test_someone_who_never_agreed_withdraws_nothing(house: Collaborators, traces: Traces) -> None:
    publish_notice(house)
    lender = make_lender(house, purposes=[])

    withdraw(house, lender.account_id)

    with house.database.reading() as session:
        assert queries.consent_facts(session, lender.account_id) == []


@pytest.mark.parametrize("purpose", [Purpose.COLLECT, Purpose.REVIEW, Purpose.PUBLISH])
def test_every_release_with_the_voice_ends_and_its_objects_go(house: Collaborators, purpose: Purpose) -> None:
    lender, other = make_lender(house), make_lender(house)
    mine, theirs = make_clip(house, lender, label="a"), make_clip(house, other, label="b")
    make_release(house, [(lender, mine), (other, theirs)], "1.0")
    make_release(house, [(other, theirs)], "1.1")

    withdraw(house, lender.account_id, [purpose])
    finish_erasures(house)

    assert release_states(house) == {"1.0": ReleaseState.REVOKED, "1.1": ReleaseState.CURRENT}
    assert below(house.store, "releases/") == ["releases/voices/1.1/release.json"]
    with house.database.reading() as session:
        assert session.scalars(select(SplitAssignment.account_id)).all() == [other.account_id]


def test_a_version_whose_name_begins_another_is_erased_alone(house: Collaborators) -> None:
    lender, other = make_lender(house), make_lender(house)
    make_release(house, [(lender, make_clip(house, lender))], "1")
    make_release(house, [(other, make_clip(house, other))], "10")

    withdraw(house, lender.account_id)
    finish_erasures(house)

    assert below(house.store, "releases/") == ["releases/voices/10/release.json"]


@pytest.mark.parametrize("purpose", [Purpose.COLLECT, Purpose.REVIEW, Purpose.PUBLISH])
def test_after_an_answer_only_what_this_person_left_is_looked_at(house: Collaborators, purpose: Purpose) -> None:
    one, other = make_lender(house), make_lender(house)
    make_release(house, [(one, make_clip(house, one, label="a"))], "1.0")
    make_release(house, [(other, make_clip(house, other, label="b"))], "1.1")
    withdraw(house, other.account_id, [purpose])
    withdraw(house, one.account_id, [purpose])

    finish_erasures(house, one.account_id)
    after_one = below(house.store, "releases/")
    finish_erasures(house)

    assert after_one == ["releases/voices/1.1/release.json"]
    assert below(house.store, "releases/") == []


@pytest.mark.parametrize("purpose", [Purpose.REVIEW, Purpose.PUBLISH])
def test_withdrawing_less_than_everything_leaves_the_voice_with_its_owner(
    house: Collaborators, traces: Traces, purpose: Purpose
) -> None:
    lender = make_lender(house)
    make_clip(house, lender, label="a")
    objects = traces.objects()

    withdraw(house, lender.account_id, [purpose])
    finish_erasures(house)

    assert traces.objects() == objects
    with house.database.reading() as session:
        assert len(session.execute(queries.usable_clips(Purpose.COLLECT, house.clock())).all()) == 1
        assert session.execute(queries.usable_clips(purpose, house.clock())).all() == []


def test_nobody_leaves_a_release_by_withdrawing_their_demographics(house: Collaborators) -> None:
    lender = make_lender(house)
    make_release(house, [(lender, make_clip(house, lender, label="a"))])

    withdraw(house, lender.account_id, [Purpose.DEMOGRAPHICS])

    assert release_states(house) == {"1.0": ReleaseState.CURRENT}
