"""Heads of the ledger lie outside the database too: what is behind is completed, and two histories end all signing."""

import json
from collections.abc import Callable

import pytest
from sqlalchemy import text

from corpus import head_copies, ledger_queries, object_keys, signing
from corpus.collaborators import Collaborators
from corpus.errors import LedgerBroken, StoreUnavailable
from corpus.queries import consent_facts
from corpus.tables import TreeHead
from corpus.words import EntryKind, Purpose
from ingest.give_consent import Agreement, consent_states, give_consent
from ingest.withdraw import withdraw
from loanword.catch_up import catch_up
from tests.factories import make_account, make_lender, publish_notice


def append_one(house: Collaborators, number: int) -> int:
    with house.database.writing() as session:
        return ledger_queries.append_entry(session, house.signer, EntryKind.ERASURE, {"number": number}, house.clock())


def forget_from(house: Collaborators, size: int) -> None:
    """The database as an older backup has it: without all that came after this size."""
    with house.database.writing() as session:
        if session.get_bind().dialect.name == "sqlite":
            for name in session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
                session.execute(text(f"DROP TRIGGER {name}"))
        else:
            session.execute(text("SET LOCAL session_replication_role = replica"))
        for table, column in (
            ("consent_events", "id"),
            ("ledger_entries", "id"),
            ("ledger_leaves", '"index"'),
        ):
            session.execute(text(f"DELETE FROM {table} WHERE {column} >= {size}"))
        session.execute(text(f"DELETE FROM tree_heads WHERE size > {size}"))


def size_of(house: Collaborators) -> int:
    with house.database.reading() as session:
        return ledger_queries.size_of(session)


def test_each_change_of_consent_leaves_a_signed_copy_outside_before_it_is_answered(house: Collaborators) -> None:
    account_id = make_account(house)
    notice = publish_notice(house)
    give_consent(house, account_id, Agreement(notice.version, notice.locale, frozenset({Purpose.COLLECT}), adult=True))
    withdraw(house, account_id)

    sizes = sorted(head_copies.sizes_outside(house))
    copies = [head_copies.parsed(head_copies.read(house, size)) for size in sizes]
    with house.database.reading() as session:
        hashes = list(ledger_queries.leaf_hashes(session))
        keys = ledger_queries.public_keys(session)
    assert [leaf for copy in copies for leaf in copy.leaves] == hashes
    for copy in copies:
        assert signing.verify(copy.document, ledger_queries.TREE_HEAD, keys)["size"] == copy.size


def test_a_store_that_is_down_keeps_nobody_from_withdrawing_and_the_next_start_makes_up_for_it(
    house: Collaborators, monkeypatch: pytest.MonkeyPatch
) -> None:
    lender = make_lender(house)

    def is_down(*_: object) -> None:
        raise StoreUnavailable("ledger/heads")

    with monkeypatch.context() as patched:
        patched.setattr(type(house.store), "put", is_down)
        with pytest.raises(StoreUnavailable):  # the journal could not be written: the answer is 503, ask again
            withdraw(house, lender.account_id)
    before = head_copies.sizes_outside(house)
    catch_up(house)

    assert not any(state.in_force for state in consent_states(house, lender.account_id))
    assert before == set()
    assert max(head_copies.sizes_outside(house)) == size_of(house)


def test_a_copy_that_is_missing_is_put_again(house: Collaborators) -> None:
    append_one(house, 0)
    append_one(house, 1)
    head_copies.copy_heads(house)
    house.store.erase(object_keys.head_copy(1))

    head_copies.complete(house)

    assert head_copies.sizes_outside(house) == {1, 2}


def test_an_older_database_is_completed_from_outside_so_that_its_log_never_forks(house: Collaborators) -> None:
    lender = make_lender(house)
    old = size_of(house)
    late = make_lender(house)
    head_copies.copy_heads(house)
    with house.database.reading() as session:
        before = list(ledger_queries.leaf_hashes(session))
    forget_from(house, old)

    restored = head_copies.complete(house)

    append_one(house, 7)
    with house.database.reading() as session:
        after = list(ledger_queries.leaf_hashes(session))
        entry = ledger_queries.entry(session, len(before))
        assert consent_facts(session, late.account_id) == []
        assert len(consent_facts(session, lender.account_id)) == 3
    assert restored == len(before) - old
    assert after[: len(before)] == before
    assert entry is not None
    assert json.loads(entry.content) == {"first": old, "kind": "restore", "size": len(before)}
    assert head_copies.complete(house) == 0


@pytest.mark.parametrize(
    "fork",
    [
        pytest.param(lambda house: (append_one(house, 8), append_one(house, 9)), id="longer-than-outside"),
        pytest.param(lambda house: append_one(house, 8), id="shorter-than-outside"),
    ],
)
def test_two_histories_end_all_signing(house: Collaborators, fork: Callable[[Collaborators], object]) -> None:
    append_one(house, 0)
    append_one(house, 1)
    head_copies.copy_heads(house)
    forget_from(house, 1)
    fork(house)

    with pytest.raises(LedgerBroken):
        head_copies.complete(house)

    with pytest.raises(LedgerBroken):
        append_one(house, 3)


def test_what_is_outside_and_not_signed_by_us_is_not_taken_in(house: Collaborators) -> None:
    append_one(house, 0)
    append_one(house, 1)
    forged = signing.Signer(bytes(32)).sign(
        ledger_queries.TREE_HEAD, {"size": 3, "root": "00" * 32, "at": "2026-03-01T12:00:00+00:00", "previous": None}
    )
    copy = ledger_queries.HeadCopy(3, 2, ("11" * 32,), forged)
    house.store.put(object_keys.head_copy(3), head_copies.written(copy))

    with pytest.raises(LedgerBroken, match="not signed by a key of ours"):
        head_copies.complete(house)


def test_a_head_says_what_the_one_before_it_was(house: Collaborators) -> None:
    append_one(house, 0)
    append_one(house, 1)

    with house.database.reading() as session:
        first, second = session.get_one(TreeHead, 1), session.get_one(TreeHead, 2)
    assert json.loads(first.document)["previous"] is None
    assert json.loads(second.document)["previous"] == ledger_queries.digest_of(first)
