"""Closing an account, and the certificate that is left."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from corpus import ledger, object_keys, queries, signing
from corpus.collaborators import Collaborators
from corpus.errors import StoreUnavailable, UnknownAccount
from corpus.ledger_queries import entry, parsed, public_keys
from corpus.tables import Account, ConsentEvent, Erasure, Review, SplitAssignment, Token
from corpus.words import Decision, Purpose, RejectReason, Role, Scope, new_id
from ingest.close_account import close_account
from ingest.erase import LATE_WRITERS, finish_erasures
from ingest.erasures.certificates import TYPE
from ingest.give_consent import Agreement, give_consent
from ingest.withdraw import withdraw
from tests.factories import make_account, make_clip, make_lender, make_token, publish_notice
from tests.fixtures.house import StillClock
from tests.integration.corpus.test_release_queries import make_release
from tests.integration.ingest.erasures import tables_that_name, voices
from tests.integration.ingest.traces import Traces, bearer


def close_to_the_end(house: Collaborators, clock: StillClock, account_id: str) -> str:
    address = close_account(house, account_id)  # type: ignore[arg-type]
    finish_erasures(house)
    clock.forward(LATE_WRITERS)
    finish_erasures(house)
    return address


def test_account_and_e_mail_are_nowhere_afterwards(house: Collaborators, clock: StillClock, traces: Traces) -> None:
    lender, other = make_lender(house), make_lender(house)
    mine = make_clip(house, lender, label="go")
    make_clip(house, other, label="stay")
    make_release(house, [[mine]])
    with house.database.writing() as session:
        session.add(SplitAssignment(release_name="commands", account_id=lender.account_id, split="train"))

    close_to_the_end(house, clock, lender.account_id)
    house.database.empty_log()

    assert tables_that_name(house, lender.account_id) == []
    assert not traces.holds(lender.account_id.encode())
    assert not any(lender.account_id in name for name in traces.files())
    assert len(voices(house, other.account_id)) == 2


def test_all_ways_in_end_with_the_first_commit(house: Collaborators, api: TestClient) -> None:
    lender = make_lender(house)
    token = make_token(house, lender.account_id, Scope.ACCOUNT)

    answer = api.delete("/v1/account", headers=bearer(token))

    assert answer.status_code == 200
    assert api.get("/v1/consent", headers=bearer(token)).status_code == 401
    assert api.post("/v1/utterances", content=b"x", headers=bearer(lender.device_token)).status_code == 401
    with house.database.reading() as session:
        account = session.get_one(Account, lender.account_id)
        assert session.scalars(select(Token).where(Token.account_id == lender.account_id)).all() == []
    assert (account.email, account.email_lookup, account.password_hash) == (None, None, None)
    assert [info.key for info in house.keyring.stored()] == []


def test_a_closing_account_cannot_agree_again(house: Collaborators) -> None:
    publish_notice(house)
    lender = make_lender(house)
    close_account(house, lender.account_id)

    with pytest.raises(UnknownAccount):
        give_consent(house, lender.account_id, Agreement("1", "en-US", frozenset({Purpose.COLLECT}), adult=True))


def test_the_ledger_stays_whole_and_tells_of_nobody(house: Collaborators, clock: StillClock) -> None:
    lender = make_lender(house)
    with house.database.reading() as session:
        before = queries.events_of(session, lender.account_id)
    close_to_the_end(house, clock, lender.account_id)

    with house.database.reading() as session:
        events = session.scalars(select(ConsentEvent).order_by(ConsentEvent.id)).all()
        [entry_id] = {event.erased_by for event in events}
        told = entry(session, entry_id or 0)
    assert {event.account_id for event in events} | {event.salt for event in events} == {None}
    assert told is not None
    content = parsed(told.content)
    assert content["events"] == [event.id for event in events]
    assert content["events_sha256"] == queries.digest_of_remains(events)
    assert len(events) == 2 * len(before)


def test_what_a_curator_judged_stays_with_its_owner_and_names_nobody(house: Collaborators, clock: StillClock) -> None:
    lender, curator = make_lender(house), make_account(house, role=Role.CURATOR)
    clip_id = make_clip(house, lender)
    with house.database.writing() as session:
        session.add(
            Review(
                id=new_id(),
                clip_id=clip_id,
                curator_id=curator,
                decision=Decision.REJECT,
                reason=RejectReason.OTHER,
                at=house.clock(),
            )
        )

    close_to_the_end(house, clock, curator)

    with house.database.reading() as session:
        assert session.scalars(select(Review.curator_id)).all() == [None]
        assert session.get(Account, curator) is None
        assert session.get(Account, lender.account_id) is not None


def test_closing_twice_is_closing_once(house: Collaborators) -> None:
    lender = make_lender(house)

    assert close_account(house, lender.account_id) == close_account(house, lender.account_id)

    with house.database.reading() as session:
        assert len(session.scalars(select(Erasure)).all()) == 1


def test_the_certificates_address_is_told_though_the_store_is_down(
    house: Collaborators, api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    lender = make_lender(house)
    token = make_token(house, lender.account_id, Scope.ACCOUNT)

    def is_down(*_: object) -> None:
        raise StoreUnavailable("journal")

    with monkeypatch.context() as patched:
        patched.setattr(type(house.store), "put", is_down)
        answer = api.delete("/v1/account", headers=bearer(token))

    told = answer.json()
    assert (answer.status_code, told["type"]) == (503, "urn:loanword:problem:closing-unfinished")
    assert api.get(told["certificate"]).json()["kind"] == "account"


def test_a_withdrawal_that_is_under_way_is_finished_with_the_account(house: Collaborators, clock: StillClock) -> None:
    lender = make_lender(house)
    make_clip(house, lender)
    withdraw(house, lender.account_id)
    clock.forward(timedelta(minutes=1))

    close_to_the_end(house, clock, lender.account_id)

    with house.database.reading() as session:
        assert None not in session.scalars(select(Erasure.done_at)).all()
    assert tables_that_name(house, lender.account_id) == []


def test_the_certificate_tells_how_far_it_is_and_then_proves_it(
    house: Collaborators, clock: StillClock, api: TestClient
) -> None:
    lender = make_lender(house)
    make_release(house, [[make_clip(house, lender, label="a")]], proofs=False)
    address = close_account(house, lender.account_id)

    waiting = api.get(address)
    finish_erasures(house)
    clock.forward(LATE_WRITERS)
    finish_erasures(house)
    answer = api.get(address)
    page = api.get(address, headers={"Accept": "text/html"})

    assert (waiting.status_code, waiting.json()["done_at"]) == (200, None)
    with house.database.reading() as session:
        told = signing.verify(answer.content, TYPE, public_keys(session))
    assert (told["what"], told["objects"], told["recordings"], told["tombstones"]) == ("account", 2, 1, 1)
    assert told["releases"] == [{"became": "revoked", "name": "commands", "revision": 1, "version": "1"}]
    assert told["done_at"] == clock.now.isoformat()
    receipt = told["receipt"]
    leaf = ledger.leaf_hash(receipt["salt"], receipt["record"])
    proof = receipt["proof"]
    assert ledger.includes(leaf, proof["index"], proof["head"]["size"], proof["path"], proof["head"]["root"])
    assert (page.status_code, "Erasure certificate" in page.text) == (200, True)
    assert {answer.headers["referrer-policy"], page.headers["referrer-policy"]} == {"no-referrer"}
    assert lender.account_id not in answer.text


def test_a_certificate_is_found_without_its_row(house: Collaborators, clock: StillClock, api: TestClient) -> None:
    lender = make_lender(house)
    address = close_to_the_end(house, clock, lender.account_id)
    signed = api.get(address).content
    with house.database.writing() as session:
        session.connection().exec_driver_sql("DELETE FROM erasures")

    assert api.get(address).content == signed


@pytest.mark.parametrize("secret", ["0" * 64, "x", "../journal/x", "0" * 63 + "é"])
def test_nobody_guesses_a_certificate(house: Collaborators, api: TestClient, secret: str) -> None:
    assert api.get(f"/certificates/{secret}").status_code == 404


def test_a_crash_between_signing_and_storing_changes_no_word(house: Collaborators, clock: StillClock) -> None:
    lender = make_lender(house)
    close_to_the_end(house, clock, lender.account_id)
    with house.database.writing() as session:
        before = session.scalars(select(Erasure.certificate)).one()
        session.connection().exec_driver_sql("UPDATE erasures SET done_at = NULL")
    [stored] = list(house.store.list(object_keys.CERTIFICATES))
    house.store.erase(stored.key)
    clock.forward(timedelta(days=1))

    finish_erasures(house)

    with house.database.reading() as session:
        assert session.scalars(select(Erasure.certificate)).one() == before
        done_at = session.scalars(select(Erasure.done_at)).one()
    assert done_at is not None
    assert done_at.isoformat() == json.loads(before or "{}")["done_at"]
    assert [info.key for info in house.store.list(object_keys.CERTIFICATES)] == [stored.key]


def test_ones_erasures_are_listed_with_their_certificates(
    house: Collaborators, clock: StillClock, api: TestClient
) -> None:
    lender = make_lender(house)
    token = make_token(house, lender.account_id, Scope.ACCOUNT)
    make_clip(house, lender)
    api.post("/v1/consent/withdraw", headers=bearer(token))

    [erasure] = api.get("/v1/erasures", headers=bearer(token)).json()["erasures"]

    assert (erasure["kind"], erasure["reason"], erasure["objects"]) == ("voice", "withdrawn", 2)
    assert erasure["stop_took_ms"] is not None
    assert erasure["erased_at"] is not None
    assert erasure["done_at"] is None
    assert api.get(erasure["certificate"]).status_code == 200
