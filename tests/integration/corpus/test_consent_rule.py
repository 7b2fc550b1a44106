"""The one rule, written twice: the pure form and the SQL form agree on every history of consent.

1. Hypothesis makes histories: any acts in any order, with and without expiry, for several purposes.
2. Each history is committed, with an utterance resting on any of its events and captured at any time.
3. For each purpose and at several moments, `may_use` and `usable_clips` give the same answer.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import StatementError

from corpus import queries
from corpus.collaborators import Collaborators
from corpus.consent import may_use
from corpus.queries import NewConsentEvent
from corpus.tables import Clip, Utterance
from corpus.words import AccountId, ClipId, ConsentAct, ConsentMethod, Purpose, UtteranceId, new_id
from tests.factories import NOW, make_account, make_device, publish_notice

MINUTE = timedelta(minutes=1)

moments = st.integers(-6, 6).map(lambda minutes: NOW + minutes * MINUTE)
acts = st.sampled_from([ConsentAct.GIVEN, ConsentAct.GIVEN, *ConsentAct])
steps = st.tuples(st.sampled_from(Purpose), acts, st.integers(0, 4), st.none() | st.integers(1, 5))
Step = tuple[Purpose, ConsentAct, int, int | None]
"""Purpose, act, minutes since the step before, and minutes that it lasts."""

histories = st.lists(steps, min_size=1, max_size=8)


@given(history=histories, rests_on=st.integers(0, 7), captured_at=moments, now=moments)
@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_the_pure_rule_and_the_sql_rule_agree(
    house: Collaborators,
    history: Sequence[Step],
    rests_on: int,
    captured_at: datetime,
    now: datetime,
) -> None:
    account_id, event_ids = _commit(house, history)
    resting = event_ids[rests_on % len(event_ids)]
    clip_id = _clip(house, account_id, resting, captured_at)

    with house.database.reading() as session:
        facts = queries.consent_facts(session, account_id)
    pure = {purpose for purpose in Purpose if may_use(facts, resting, captured_at, purpose, now)}
    by_sql = _usable_for(house, clip_id, now)

    assert by_sql == pure


def test_the_agreement_is_about_something(house: Collaborators) -> None:
    """Both forms say yes to a plain history, and no once it is withdrawn: the property above is not vacuous."""
    given_all = [(purpose, ConsentAct.GIVEN, 1, None) for purpose in Purpose]
    account_id, event_ids = _commit(house, given_all)
    clip_id = _clip(house, account_id, event_ids[0], NOW + 3 * MINUTE)
    later = NOW + 5 * MINUTE

    before = _usable_for(house, clip_id, later)
    _append(house, account_id, [(Purpose.COLLECT, ConsentAct.WITHDRAWN, 0, None)])
    after = _usable_for(house, clip_id, later)

    assert before == set(Purpose)
    assert after == set()


def test_a_statement_that_is_kept_asks_about_the_time_it_is_given(house: Collaborators) -> None:
    account_id, event_ids = _commit(house, [(purpose, ConsentAct.GIVEN, 0, 10) for purpose in Purpose])
    clip_id = _clip(house, account_id, event_ids[0], NOW)
    kept = queries.usable_clips(Purpose.PUBLISH).where(Clip.id == clip_id)

    with house.database.reading() as session:
        in_force = session.execute(kept, {"consent_now": NOW + 3 * MINUTE}).one_or_none()
        run_out = session.execute(kept, {"consent_now": NOW + 5 * MINUTE}).one_or_none()

        with pytest.raises(StatementError, match="consent_now"):
            session.execute(kept)
    assert (in_force is not None, run_out) == (True, None)


def _usable_for(house: Collaborators, clip_id: ClipId, now: datetime) -> set[Purpose]:
    with house.database.reading() as session:
        found = {
            purpose: session.execute(queries.usable_clips(purpose, now).where(Clip.id == clip_id)).one_or_none()
            for purpose in Purpose
        }
    return {purpose for purpose, clip in found.items() if clip}


def _commit(house: Collaborators, history: Sequence[Step]) -> tuple[AccountId, list[int]]:
    account_id = make_account(house)
    _append(house, account_id, history)
    with house.database.reading() as session:
        facts = queries.consent_facts(session, account_id)
    return account_id, [fact.id for fact in facts]


def _append(house: Collaborators, account_id: AccountId, history: Sequence[Step]) -> None:
    with house.database.reading() as session:
        notices = queries.current_notices(session)
    notice_id = notices[0].id if notices else publish_notice(house).id
    at, events = NOW - 6 * MINUTE, []
    for purpose, act, later, lasts in history:
        at += later * MINUTE
        expires_at = None if lasts is None else at + lasts * MINUTE
        events.append(NewConsentEvent(account_id, purpose, act, at, expires_at, notice_id, ConsentMethod.API))
    with house.database.writing() as session:
        queries.lock_account(session, account_id)
        queries.append_consent_events(session, house.signer, events)


def _clip(house: Collaborators, account_id: AccountId, rests_on: int, captured_at: datetime) -> ClipId:
    lender = make_device(house, account_id)
    utterance_id, clip_id = UtteranceId(new_id()), ClipId(new_id())
    with house.database.writing() as session:
        session.add(
            Utterance(
                id=utterance_id,
                account_id=account_id,
                device_id=lender.device_id,
                consent_event_id=rests_on,
                voice_key_id=new_id(),
                object_key=utterance_id,
                body_digest="0" * 64,
                size_bytes=1,
                media_type="audio/wav",
                locale="en-US",
                captured_at=captured_at,
                received_at=NOW + 60 * MINUTE,
            )
        )
        session.flush()
        session.add(Clip(id=clip_id, utterance_id=utterance_id, measured_at=NOW))
    return clip_id
