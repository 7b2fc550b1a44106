"""The numbers page over both databases: it counts what is there, and tells of nobody."""

from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from corpus import signing
from corpus.collaborators import Collaborators
from corpus.ledger_queries import TREE_HEAD
from corpus.words import ConsentAct, ErasureKind, Purpose, ReleaseState
from export.client import proofs
from ingest.erasures.record import Reason
from ingest.transparency.count import KEPT_FOR, count
from tests.factories import consent_event, make_account, make_clip, make_lender, opt_in
from tests.fixtures.house import StillClock
from tests.integration.ingest.transparency.crowd import (
    ONE_SECOND,
    add_erasure,
    add_release,
    entomb,
    leave,
    lend,
    pull,
)


def test_what_is_there_is_counted(house: Collaborators) -> None:
    lend(house, 3, seconds_each=2, released=True)
    leave(house, 2, closing=1)
    add_release(house, "3", ReleaseState.REVOKED, revision=3)
    add_release(house, "4", ReleaseState.DRAFT)

    counted = count(house)

    assert (counted.opted_in, counted.withdrawn, counted.closed) == (3, 2, 1)
    assert (counted.kept.samples, counted.kept.people) == (3 * 2 * 16_000, 3)
    assert counted.released == counted.kept
    assert (sorted(counted.stops.each_s), counted.stops.people) == ([0.01, 0.02], 2)
    assert (sorted(counted.erasures.each_s), counted.erasures.people) == ([1.0, 2.0], 2)
    assert counted.releases == {ReleaseState.SUPERSEDED: 1, ReleaseState.CURRENT: 1, ReleaseState.REVOKED: 1}
    assert counted.recuts == 2


@pytest.mark.parametrize(
    ("act", "counts"),
    [
        pytest.param(ConsentAct.RENEWED, (1, 0), id="renewed"),
        pytest.param(ConsentAct.WITHDRAWN, (0, 1), id="withdrawn"),
        pytest.param(ConsentAct.EXPIRED, (0, 0), id="expired"),
        pytest.param(ConsentAct.REFUSED, (0, 0), id="refused"),
    ],
)
def test_the_last_answer_of_each_counts(house: Collaborators, act: ConsentAct, counts: tuple[int, int]) -> None:
    person = make_account(house)
    opt_in(house, person, purposes=[Purpose.COLLECT])
    consent_event(house, person, act, purposes=[Purpose.COLLECT], at=house.clock())
    consent_event(house, person, ConsentAct.GIVEN, purposes=[Purpose.DEMOGRAPHICS], at=house.clock())

    counted = count(house)

    assert (counted.opted_in, counted.withdrawn) == counts


def test_consent_that_ran_out_is_in_force_no_more(house: Collaborators, clock: StillClock) -> None:
    opt_in(house, make_account(house), expires_at=clock() + timedelta(hours=1))

    before = count(house).opted_in
    clock.forward(timedelta(hours=1))

    assert (before, count(house).opted_in) == (1, 0)


def test_what_somebody_takes_back_is_counted_no_more_at_once(house: Collaborators) -> None:
    stays, leaves = make_lender(house), make_lender(house)
    for lender in (stays, leaves):
        make_clip(house, lender, pcm=ONE_SECOND)

    consent_event(house, leaves.account_id, ConsentAct.WITHDRAWN, purposes=[Purpose.COLLECT], at=house.clock())

    assert (count(house).kept.samples, count(house).kept.people) == (16_000, 1)


def test_a_copy_counts_for_each_who_pulled_the_version_until_they_report(house: Collaborators) -> None:
    entomb(house, "1", clips=2, serial=5)
    entomb(house, "1", clips=1, serial=8)
    entomb(house, "2", clips=9, serial=9)
    for acknowledged in (None, 4, 5, 8):
        pull(house, "1", acknowledged)
    pull(house, "3", None)

    counted = count(house)

    assert (counted.tombstones, counted.copies_to_clean, counted.copies_reported) == (12, 12, 5)


def test_who_erases_often_is_one_person_and_a_retention_clock_is_none(house: Collaborators) -> None:
    person = make_account(house)
    add_erasure(house, person)
    add_erasure(house, person)
    add_erasure(house, None, reason=Reason.CLOSED, kind=ErasureKind.ACCOUNT)
    add_erasure(house, None, reason=Reason.DELETED)
    add_erasure(house, make_account(house), reason=Reason.RETENTION)

    erasures = count(house).erasures

    assert (len(erasures.each_s), erasures.people) == (4, 2)


def test_the_newest_head_can_be_checked_with_the_key_beside_it(house: Collaborators, api: TestClient) -> None:
    opt_in(house, make_account(house))

    head = api.get("/v1/transparency").json()["head"]

    told = signing.verify(head["document"], TREE_HEAD, {head["key_id"]: bytes.fromhex(head["public_key"])})
    assert (told["size"], told["root"]) == (head["size"], head["root"])


def test_the_page_shows_the_key_by_the_fingerprint_that_pull_prints(house: Collaborators, api: TestClient) -> None:
    opt_in(house, make_account(house))

    head, page = api.get("/v1/transparency").json()["head"], api.get("/transparency").text

    assert head["fingerprint"] == proofs.fingerprint(bytes.fromhex(head["public_key"]))
    assert head["fingerprint"].replace(" ", "").startswith(head["key_id"])
    assert f"<code>{head['fingerprint']}</code>" in page


def test_an_empty_house_has_a_page_too(api: TestClient) -> None:
    page, told = api.get("/transparency"), api.get("/v1/transparency").json()

    assert (page.status_code, told["head"], told["people"]["opted_in"]) == (200, None, None)
    assert "<svg" not in page.text
    assert "not measured yet" in page.text


def test_of_few_people_neither_page_nor_json_tells_a_number(house: Collaborators, api: TestClient) -> None:
    lend(house, 2, seconds_each=1, released=True)
    leave(house, 3)

    page, told = api.get("/transparency").text, api.get("/v1/transparency").json()

    assert told["people"] == {"opted_in": None, "withdrawn": None, "closed": None}
    assert told["hours"] == {"kept": None, "released": None}
    assert told["taking_back"]["stop"] == {
        "count": None,
        "median_s": 86_400,
        "longest_s": 86_400,
        "rounded_to_days": True,
    }
    assert "<svg" not in page
    assert page.count("fewer than 11") >= 5


def test_anybody_may_read_it_and_caches_may_keep_it_for_a_minute(api: TestClient) -> None:
    answers = [api.get("/transparency"), api.get("/v1/transparency")]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert {answer.headers["cache-control"] for answer in answers} == {"public, max-age=60"}
    assert "script" not in answers[0].text.replace("script-src", "")


def test_it_is_counted_anew_after_a_minute(house: Collaborators, api: TestClient, clock: StillClock) -> None:
    def current() -> int:
        return int(api.get("/v1/transparency").json()["releases"]["current"])

    before = current()
    add_release(house, "1", ReleaseState.CURRENT, revision=2)
    at_once = current()
    clock.forward(KEPT_FOR)

    assert (before, at_once, current()) == (0, 0, 1)
