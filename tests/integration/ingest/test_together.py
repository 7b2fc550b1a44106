"""Uploads that share a turn: each is admitted, recorded or refused on its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy.orm import Session

from corpus.collaborators import Collaborators
from corpus.errors import ConsentWithdrawn, DeviceRevoked, IdempotencyKeyReused, NotAudio, Unauthenticated
from corpus.keys import AccountKey
from corpus.vault import Vault
from corpus.web.app import build_app
from ingest import queries as ingest_queries
from ingest.app import routes
from ingest.body import Body
from ingest.metadata import Metadata
from ingest.pair_device import revoke_device
from ingest.record_utterance import Announced, Arrived, Recorded, admit, admit_each, record_each
from ingest.withdraw import withdraw
from tests.factories import Lender, make_lender, tone, wav, withdraw_consent
from tests.fixtures.serving import serving
from tests.integration.ingest.traces import Traces

WAV = wav(tone(duration_s=0.2))


def arrived(house: Collaborators, lender: Lender, body: bytes = WAV, key: str | None = None) -> Arrived:
    admission = admit(house, token=lender.device_token, metadata=Metadata(), idempotency_key=key)
    return Arrived(admission, "audio/wav", Body(body))


def stored(traces: Traces) -> tuple[int, int]:
    return traces.utterances(), len(traces.objects())


def test_each_is_admitted_or_refused_on_its_own(house: Collaborators) -> None:
    stays, withdrawn, revoked = (make_lender(house) for _ in range(3))
    withdraw(house, withdrawn.account_id)
    revoke_device(house, revoked.account_id, revoked.device_id)
    tokens = [withdrawn.device_token, stays.device_token, "lw_nobody", revoked.device_token, stays.device_token]

    granted = admit_each(house, [Announced(token, Metadata()) for token in tokens])

    outcomes = [type(each) if isinstance(each, Exception) else each.account_id for each in granted]
    assert outcomes == [ConsentWithdrawn, stays.account_id, Unauthenticated, DeviceRevoked, stays.account_id]


def test_one_that_is_no_audio_leaves_nothing_and_the_others_are_stored(house: Collaborators, traces: Traces) -> None:
    lender = make_lender(house)

    outcomes = record_each(house, [arrived(house, lender, body) for body in (WAV, b"no audio at all", WAV)])

    assert [type(each) for each in outcomes] == [Recorded, NotAudio, Recorded]
    assert stored(traces) == (2, 2)


@pytest.mark.parametrize(
    "take_back",
    [
        pytest.param(lambda house, lender: withdraw_consent(house, lender.account_id), id="only-the-gate-closed"),
        pytest.param(lambda house, lender: withdraw(house, lender.account_id), id="withdrawal"),
    ],
)
def test_a_withdrawal_between_the_seals_and_the_commit_refuses_its_own_alone(
    house: Collaborators,
    traces: Traces,
    monkeypatch: pytest.MonkeyPatch,
    take_back: Callable[[Collaborators, Lender], None],
) -> None:
    """The withdrawal commits once the last object of the turn is in the store."""
    stays, leaves = make_lender(house), make_lender(house)
    turn = [arrived(house, lender) for lender in (leaves, stays, leaves)]
    put_each = Vault.put_each

    def put_then_take_back(vault: Vault, puts: Sequence[tuple[AccountKey, str, bytes]]) -> list[Exception | None]:
        errors = put_each(vault, puts)
        assert len(puts) == len(turn)
        take_back(house, leaves)
        return errors

    monkeypatch.setattr(Vault, "put_each", put_then_take_back)
    outcomes = record_each(house, turn)

    assert [type(each) for each in outcomes] == [ConsentWithdrawn, Recorded, ConsentWithdrawn]
    assert stored(traces) == (1, 1)
    assert all(stays.account_id in key for key in traces.objects())


def test_one_idempotency_key_twice_in_a_turn_is_one_row_and_one_answer(house: Collaborators, traces: Traces) -> None:
    lender, other = make_lender(house), make_lender(house)
    turn = [arrived(house, lender, key="k-1"), arrived(house, lender, key="k-1"), arrived(house, other, key="k-1")]

    first, again, others = record_each(house, turn)

    assert isinstance(first, Recorded)
    assert isinstance(again, Recorded)
    assert isinstance(others, Recorded)
    assert (first.replayed, again.replayed, others.replayed) == (False, True, False)
    assert again.utterance_id == first.utterance_id != others.utterance_id
    assert stored(traces) == (2, 2)


def test_one_idempotency_key_for_two_bodies_in_a_turn_refuses_the_second(house: Collaborators, traces: Traces) -> None:
    lender, another_wav = make_lender(house), wav(tone(duration_s=0.3))

    outcomes = record_each(house, [arrived(house, lender, body, "k-1") for body in (WAV, another_wav)])

    assert [type(each) for each in outcomes] == [Recorded, IdempotencyKeyReused]
    assert stored(traces) == (1, 1)


def test_nobody_is_told_201_of_a_transaction_that_broke(
    house: Collaborators, traces: Traces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite all share it; on PostgreSQL it is one upload's own."""
    lender = make_lender(house)
    turn = [arrived(house, lender) for _ in range(3)]
    add, calls = ingest_queries.add_utterance, iter(range(3))

    def break_at_the_second(session: Session, row: ingest_queries.NewUtterance) -> None:
        add(session, row)
        if next(calls) == 1:
            raise ZeroDivisionError

    monkeypatch.setattr("ingest.queries.add_utterance", break_at_the_second)
    outcomes = record_each(house, turn)

    told = [each for each in outcomes if isinstance(each, Recorded)]
    assert isinstance(outcomes[1], ZeroDivisionError)
    assert traces.utterances() == len(told) == (0 if house.database.is_sqlite else 2)


def test_devices_that_send_at_once_each_get_their_own_answer(house: Collaborators, traces: Traces) -> None:
    """Every third has withdrawn, and is refused whatever shares its turn."""
    lenders = [make_lender(house) for _ in range(9)]
    for lender in lenders[::3]:
        withdraw_consent(house, lender.account_id)

    with serving(build_app(house, [routes()])) as address, ThreadPoolExecutor(len(lenders)) as pool:

        def send(lender: Lender) -> list[httpx.Response]:
            headers = {"Authorization": f"Bearer {lender.device_token}"}
            with httpx.Client(base_url=address, headers=headers, timeout=60) as client:
                return [client.post("/v1/utterances", content=WAV) for _ in range(8)]

        answers = list(pool.map(send, lenders))

    statuses = [{answer.status_code for answer in of_device} for of_device in answers]
    assert statuses == [{403}, {201}, {201}] * 3
    ids = [answer.json()["id"] for of_device in answers for answer in of_device if answer.status_code == 201]
    assert len(set(ids)) == len(ids) == 48
    assert stored(traces) == (48, 48)
