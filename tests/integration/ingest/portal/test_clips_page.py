"""The pages of one's recordings: who sees and hears them, and when not."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event

from corpus.audio import wav
from corpus.collaborators import Collaborators, collaborators
from corpus.tables import Clip, Utterance
from corpus.words import Outcome, Purpose, UtteranceId
from ingest.own.clips import PER_PAGE
from tests.factories import (
    Lender,
    make_account,
    make_clip,
    make_lender,
    make_utterance,
    opt_in,
    tone,
    withdraw_consent,
)
from tests.fixtures.house import StillClock
from tests.integration.curation.review.console import once, when_a_recording_is_read
from tests.integration.ingest.portal.visitor import visitor, words_of


@pytest.fixture
def elsewhere(house: Collaborators) -> Iterator[Collaborators]:
    """The same house, as another process has it."""
    opened = collaborators(house.settings, house.clock)
    yield opened
    opened.database.close()


def utterance_of(house: Collaborators, clip_id: str) -> UtteranceId:
    with house.database.reading() as session:
        return session.get_one(Clip, clip_id).utterance_id


def heard(house: Collaborators, lender: Lender, utterance_id: str, kind: str = "audio", **headers: str) -> int:
    return visitor(house, lender.account_id).get(f"/me/clips/{utterance_id}/{kind}", **headers).status_code


@contextmanager
def counted_statements(house: Collaborators) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    engine = house.database._reading_engine  # what it sends is seen nowhere else
    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def test_a_recording_is_shown_with_what_became_of_it(house: Collaborators) -> None:
    lender = make_lender(house)
    make_clip(house, lender, outcome=Outcome.DROPPED, reason="too_short", transcript="play <jazz>")

    said = words_of(visitor(house, lender.account_id).get("/me/clips"))

    assert "“play &lt;jazz&gt;” As your device understood it" in said
    assert "Not used. It is too short." in said
    assert "1 March 2026, 11:59 UTC · kitchen · 1.5 s" in said


def test_a_page_asks_as_much_of_the_database_for_many_recordings_as_for_one(house: Collaborators) -> None:
    few, many = make_lender(house), make_lender(house)
    make_clip(house, few, label="one")
    for _ in range(PER_PAGE):
        make_clip(house, many, label="one of many")

    with counted_statements(house) as for_one:
        visitor(house, few.account_id).get("/me/clips")
    with counted_statements(house) as for_many:
        visitor(house, many.account_id).get("/me/clips")

    assert len(for_one) == len(for_many)


def test_recordings_come_in_pages_newest_first(house: Collaborators) -> None:
    lender = make_lender(house)
    for minutes in range(PER_PAGE + 1):
        at = house.clock() - timedelta(minutes=minutes)
        make_utterance(house, lender, transcript=f"number {minutes}.", captured_at=at)
    someone = visitor(house, lender.account_id)

    first, second = someone.get("/me/clips").text, someone.get("/me/clips?number=2").text

    assert [f"number {minutes}." in first for minutes in (0, PER_PAGE)] == [True, False]
    assert [f"number {minutes}." in second for minutes in (0, PER_PAGE)] == [False, True]
    assert "Page 2 of 2" in second
    assert "Page 2 of 2" in someone.get("/me/clips?number=99").text


def test_the_owner_hears_the_prepared_copy_and_what_was_sent(house: Collaborators) -> None:
    lender = make_lender(house)
    pcm = tone(duration_s=0.5)
    utterance_id = utterance_of(house, make_clip(house, lender, pcm=pcm))
    someone = visitor(house, lender.account_id)

    copy = someone.get(f"/me/clips/{utterance_id}/audio")
    original = someone.get(f"/me/clips/{utterance_id}/original")

    assert (copy.status_code, copy.headers["content-type"], copy.content) == (200, "audio/wav", wav(pcm))
    assert original.content != copy.content
    assert {copy.headers["cache-control"], original.headers["cache-control"]} == {"no-store"}


def test_a_range_of_it_can_be_asked_for(house: Collaborators) -> None:
    lender = make_lender(house)
    body = wav(tone(duration_s=0.5))
    utterance_id = make_utterance(house, lender, body=body)
    someone = visitor(house, lender.account_id)

    part = someone.get(f"/me/clips/{utterance_id}/audio", Range="bytes=10-19")

    assert (part.status_code, part.content) == (206, body[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(body)}"
    assert heard(house, lender, utterance_id, Range="bytes=999999999-") == 416


@pytest.mark.parametrize("kind", ["audio", "original"])
def test_nobody_else_hears_it(house: Collaborators, kind: str) -> None:
    lender, other = make_lender(house), make_lender(house)
    utterance_id = make_utterance(house, lender)

    assert heard(house, other, utterance_id, kind) == 404
    assert visitor(house, other.account_id).get(f"/me/clips/{utterance_id}").status_code == 404
    assert utterance_id not in visitor(house, other.account_id).get("/me/clips").text


def test_a_device_hears_nothing(house: Collaborators) -> None:
    lender = make_lender(house)
    utterance_id = make_utterance(house, lender)
    device = {"Authorization": f"Bearer {lender.device_token}"}

    assert visitor(house).get(f"/me/clips/{utterance_id}/audio", **device).status_code == 403


@pytest.mark.parametrize("kind", ["audio", "original"])
def test_once_withdrawn_it_is_heard_by_nobody_though_the_key_still_lives(house: Collaborators, kind: str) -> None:
    lender = make_lender(house)
    utterance_id = utterance_of(house, make_clip(house, lender))

    withdraw_consent(house, lender.account_id)

    assert heard(house, lender, utterance_id, kind) == 404
    assert "Nothing of yours is kept." in visitor(house, lender.account_id).get("/me/clips").text


def test_it_is_heard_by_its_owner_when_nobody_else_may_listen(house: Collaborators) -> None:
    lender = make_lender(house)
    utterance_id = make_utterance(house, lender)

    withdraw_consent(house, lender.account_id, Purpose.REVIEW, Purpose.PUBLISH)

    assert heard(house, lender, utterance_id) == 200


def test_when_consent_has_run_out_it_is_not_heard(house: Collaborators, clock: StillClock) -> None:
    account_id = make_account(house)
    opt_in(house, account_id, expires_at=house.clock() + timedelta(days=1))
    lender = Lender(account_id, make_lender(house).device_id, "")
    utterance_id = make_utterance(house, lender)

    clock.forward(timedelta(days=2))

    assert heard(house, lender, utterance_id) == 404


def test_a_withdrawal_while_the_recording_is_read_is_seen(house: Collaborators, elsewhere: Collaborators) -> None:
    lender = make_lender(house)
    utterance_id = utterance_of(house, make_clip(house, lender))
    withdraw = once(lambda: withdraw_consent(elsewhere, lender.account_id))

    assert heard(when_a_recording_is_read(house, withdraw), lender, utterance_id) == 404


def test_someone_who_never_agreed_sees_an_empty_list(house: Collaborators) -> None:
    answer = visitor(house, make_account(house)).get("/me/clips")

    assert "Nothing of yours is kept." in answer.text


@pytest.mark.parametrize("odd", ["x", "0" * 31, "..%2Fme", "0" * 32])
def test_an_address_of_nothing_is_not_there(house: Collaborators, odd: str) -> None:
    answer = visitor(house, make_lender(house).account_id).get(f"/me/clips/{odd}")

    assert answer.status_code == 404


def test_the_clocks_are_told_in_words(house: Collaborators) -> None:
    lender = make_lender(house)
    make_utterance(house, lender)

    assert "The original of a recording is erased 90 days" in visitor(house, lender.account_id).get("/me/clips").text


def test_when_the_clock_has_taken_the_original_the_prepared_copy_is_heard(house: Collaborators) -> None:
    lender = make_lender(house)
    utterance_id = utterance_of(house, make_clip(house, lender))
    with house.database.writing() as session:
        session.get_one(Utterance, utterance_id).object_key = None
    someone = visitor(house, lender.account_id)

    said = words_of(someone.get(f"/me/clips/{utterance_id}"))

    assert "The original was erased when its time had come; the prepared copy is kept." in said
    assert heard(house, lender, utterance_id) == 200
    assert heard(house, lender, utterance_id, "original") == 404


def test_a_lost_original_says_so(house: Collaborators) -> None:
    lender = make_lender(house)
    utterance_id = make_utterance(house, lender)
    with house.database.reading() as session:
        object_key = session.get_one(Utterance, utterance_id).object_key
    house.store.erase(object_key or "")

    assert heard(house, lender, utterance_id, "original") == 500
