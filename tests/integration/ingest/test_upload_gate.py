"""The gate of an upload against a withdrawal, with two connections that meet where it matters."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from corpus import queries
from corpus.collaborators import Collaborators
from corpus.errors import (
    CapturedBeforeConsent,
    ConsentRefusal,
    ConsentWithdrawn,
    DeviceRevoked,
    KeyDestroyed,
    Refused,
    Unauthenticated,
)
from corpus.identity import queries as identity_queries
from corpus.keys import AccountKey, KeyKind
from corpus.vault import Vault
from corpus.words import Purpose
from ingest.body import Body
from ingest.erase import finish_erasures
from ingest.metadata import Metadata
from ingest.pair_device import revoke_device
from ingest.queries import add_utterance, stored_under
from ingest.record_utterance import Admission, admit, record
from ingest.withdraw import withdraw
from tests.factories import NOW, Lender, make_lender, opt_in, tone, voice_key, wav, withdraw_consent
from tests.integration.ingest.traces import Traces

WAV = wav(tone(duration_s=0.2))
BODY = Body(WAV)


def admitted(house: Collaborators, lender: Lender) -> Admission:
    return admit(house, token=lender.device_token, metadata=Metadata(captured_at=NOW), idempotency_key="k-1")


def withdraw_everything(house: Collaborators, lender: Lender, admission: Admission) -> None:
    withdraw(house, lender.account_id)


def withdraw_but_keep_the_key(house: Collaborators, lender: Lender, admission: Admission) -> None:
    withdraw_consent(house, lender.account_id)


def withdraw_and_come_back(house: Collaborators, lender: Lender, admission: Admission) -> None:
    withdraw(house, lender.account_id)
    opt_in(house, lender.account_id, at=NOW)


def revoke_the_device(house: Collaborators, lender: Lender, admission: Admission) -> None:
    revoke_device(house, lender.account_id, lender.device_id)


def revoke_the_token(house: Collaborators, lender: Lender, admission: Admission) -> None:
    with house.database.writing() as session:
        identity_queries.revoke_token(session, admission.token_id, house.clock())


@pytest.mark.parametrize(
    ("happens", "refusal"),
    [
        pytest.param(withdraw_everything, ConsentWithdrawn, id="withdrawal"),
        pytest.param(withdraw_but_keep_the_key, ConsentWithdrawn, id="only-the-gate-closed"),
        pytest.param(withdraw_and_come_back, ConsentWithdrawn, id="withdrawal-and-return"),
        pytest.param(revoke_the_device, DeviceRevoked, id="device-revoked"),
        pytest.param(revoke_the_token, Unauthenticated, id="token-revoked"),
    ],
)
def test_what_happens_while_the_body_is_on_its_way_refuses_it(
    house: Collaborators,
    traces: Traces,
    happens: Callable[[Collaborators, Lender, Admission], None],
    refusal: type[Refused],
) -> None:
    lender = make_lender(house)
    admission = admitted(house, lender)
    happens(house, lender, admission)
    before = traces.now()

    with pytest.raises(refusal):
        record(house, admission, "", BODY)

    assert traces.now() == before


def test_a_return_does_not_take_in_what_was_recorded_before_it(house: Collaborators) -> None:
    lender = make_lender(house)
    withdraw(house, lender.account_id)
    opt_in(house, lender.account_id, at=NOW)

    with pytest.raises(CapturedBeforeConsent):
        admit(house, token=lender.device_token, metadata=Metadata(captured_at=NOW.replace(hour=11)))


@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(withdraw_but_keep_the_key, id="only-the-gate-closed"),
        pytest.param(withdraw_and_come_back, id="withdrawal-and-return"),
    ],
)
def test_a_withdrawal_between_the_seal_and_the_commit_refuses_and_the_object_is_gone(
    house: Collaborators,
    traces: Traces,
    monkeypatch: pytest.MonkeyPatch,
    happens: Callable[[Collaborators, Lender, Admission], None],
) -> None:
    """The store is asked to tell when the object is there; then the withdrawal commits; then the upload goes on."""
    lender = make_lender(house)
    admission = admitted(house, lender)
    put_each = Vault.put_each
    sealed: list[str] = []

    def put_then_withdraw(vault: Vault, puts: Sequence[tuple[AccountKey, str, bytes]]) -> list[Exception | None]:
        errors = put_each(vault, puts)
        sealed.extend(object_key for _, object_key, _ in puts)
        happens(house, lender, admission)
        return errors

    monkeypatch.setattr(Vault, "put_each", put_then_withdraw)
    with pytest.raises(ConsentRefusal):
        record(house, admission, "", BODY)

    assert len(sealed) == 1
    assert traces.objects() == []
    assert traces.utterances() == 0


def test_a_withdrawal_waits_for_an_upload_in_its_commit_and_then_takes_it_back(
    house: Collaborators, traces: Traces, monkeypatch: pytest.MonkeyPatch
) -> None:
    lender = make_lender(house)
    key = voice_key(house, lender.account_id)
    admission = admitted(house, lender)
    inserted, go_on = threading.Event(), threading.Event()

    def add_then_wait(*args: object) -> None:
        add_utterance(*args)  # type: ignore[arg-type]  # passed through
        inserted.set()
        assert go_on.wait(20)

    monkeypatch.setattr("ingest.queries.add_utterance", add_then_wait)
    with ThreadPoolExecutor(2) as pool:
        upload = pool.submit(record, house, admission, "", BODY)
        assert inserted.wait(20)
        withdrawal = pool.submit(withdraw, house, lender.account_id)
        withdrawal_waited = not withdrawal.done() and _is_still_running(withdrawal.done)
        go_on.set()
        recorded = upload.result(20)
        withdrawal.result(20)

    assert withdrawal_waited
    assert admission.idempotency_digest is not None
    with house.database.reading() as session:
        kept = stored_under(session, lender.device_id, admission.idempotency_digest)
        assert kept is not None
        assert kept.utterance_id == recorded.utterance_id
        assert session.execute(queries.usable_utterances(house.clock())).all() == []
    with pytest.raises(KeyDestroyed):
        house.keyring.unwrap(lender.account_id, key.key_id, KeyKind.VOICE)
    finish_erasures(house)
    assert (traces.utterances(), traces.objects()) == (0, [])


def test_withdrawals_and_uploads_that_race_end_with_nothing_usable(house: Collaborators, traces: Traces) -> None:
    lenders = [make_lender(house) for _ in range(4)]
    start = threading.Barrier(8)

    def upload(lender: Lender) -> None:
        start.wait(20)
        for _ in range(5):
            try:
                admission = admit(house, token=lender.device_token, metadata=Metadata())
                record(house, admission, "", BODY)
            except ConsentRefusal:
                return

    def take_back(lender: Lender) -> None:
        start.wait(20)
        withdraw(house, lender.account_id, [Purpose.COLLECT])

    with ThreadPoolExecutor(8) as pool:
        racing = [pool.submit(act, lender) for lender in lenders for act in (upload, take_back)]
        for each in racing:
            each.result(60)

    with house.database.reading() as session:
        assert session.execute(queries.usable_utterances(house.clock())).all() == []
    finish_erasures(house)
    assert (traces.utterances(), traces.objects()) == (0, [])


def _is_still_running(done: Callable[[], bool]) -> bool:
    threading.Event().wait(0.3)
    return not done()
