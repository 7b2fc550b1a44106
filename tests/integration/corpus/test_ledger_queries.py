"""The ledger in the database: every append signs a head, every leaf has a proof, and a broken log takes no more."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from corpus import ledger, ledger_queries, signing
from corpus.collaborators import Collaborators
from corpus.errors import BadSignature, LedgerBroken, Misconfigured
from corpus.queries import consent_facts
from corpus.signing import Signer
from corpus.tables import TreeHead
from corpus.words import EntryKind
from tests.factories import make_lender


def append_one(house: Collaborators, number: int) -> int:
    with house.database.writing() as session:
        return ledger_queries.append_entry(session, house.signer, EntryKind.ERASURE, {"number": number}, house.clock())


def test_each_leaf_is_proven_at_the_head_that_its_own_append_signed(house: Collaborators) -> None:
    lenders = [make_lender(house) for _ in range(3)]
    entry = append_one(house, 1)

    with house.database.reading() as session:
        ids = [fact.id for lender in lenders for fact in consent_facts(session, lender.account_id)]
        hashes = list(ledger_queries.leaf_hashes(session))
        proofs = [ledger_queries.inclusion(session, index) for index in [*ids, entry]]
        keys = ledger_queries.public_keys(session)

    assert sorted(proof.index for proof in proofs) == list(range(len(hashes)))
    for proof in proofs:
        assert ledger.includes(hashes[proof.index], proof.index, proof.size, proof.path, proof.root)
        told = signing.verify(proof.head, ledger_queries.TREE_HEAD, keys)
        assert (told["size"], told["root"]) == (proof.size, ledger.root(hashes[: proof.size]))


def test_appends_from_many_threads_make_one_log(house: Collaborators) -> None:
    with ThreadPoolExecutor(8) as pool:
        indexes = list(pool.map(lambda number: append_one(house, number), range(24)))

    with house.database.reading() as session:
        heads = session.scalars(select(TreeHead).order_by(TreeHead.size)).all()
        hashes = list(ledger_queries.leaf_hashes(session))
    assert sorted(indexes) == list(range(24))
    assert [head.root for head in heads] == [ledger.root(hashes[: head.size]) for head in heads]


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("UPDATE tree_heads SET root = '00' WHERE size = 2", id="root"),
        pytest.param("UPDATE tree_heads SET peaks = '00' WHERE size = 2", id="peaks"),
        pytest.param("UPDATE tree_heads SET document = '{}' WHERE size = 2", id="signature"),
        pytest.param("DELETE FROM tree_heads WHERE size = 2", id="newest-head"),
        pytest.param("INSERT INTO ledger_leaves (\"index\", hash) VALUES (2, 'ff')", id="a-leaf-too-many"),
    ],
)
def test_a_log_that_its_newest_head_does_not_fit_takes_no_more(house: Collaborators, statement: str) -> None:
    append_one(house, 0)
    append_one(house, 1)
    with house.database.writing() as session:
        session.execute(text(statement))

    with pytest.raises((LedgerBroken, BadSignature)):
        append_one(house, 2)


def test_a_key_that_nobody_endorsed_signs_nothing(house: Collaborators) -> None:
    append_one(house, 0)

    with pytest.raises(Misconfigured, match="keys rotate"), house.database.writing() as session:
        ledger_queries.append_entry(session, Signer(bytes(32)), EntryKind.KEY, {}, house.clock())
