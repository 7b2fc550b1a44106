"""The ledger as anybody may see it: its newest signed head, the keys that sign, and proofs that it only grew."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from corpus import ledger_queries
from corpus.errors import NotFound
from corpus.web.dependencies import AccountHolder, With
from ingest.receipts import signed


class KeyAnswer(BaseModel):
    """A public key; each but the first is endorsed by the one before it, or took the place of one that was lost."""

    key_id: str
    public_key: str
    endorsement: dict[str, Any] | None


class LedgerAnswer(BaseModel):
    """Keep the head: with a later one it shows whether the ledger was rewritten in between."""

    head: dict[str, Any] | None
    keys: list[KeyAnswer]


class ConsistencyAnswer(BaseModel):
    """That the ledger of `first` leaves is a beginning of the one of `second` (RFC 9162, section 2.1.4)."""

    first: int
    second: int
    path: list[str] = Field(description="Hashes, as 64 hexadecimal digits each.")
    head: dict[str, Any]


def ledger_routes() -> APIRouter:
    router = APIRouter(prefix="/v1/ledger", tags=["ledger"])

    @router.get("")
    def get_ledger(house: With) -> LedgerAnswer:
        with house.database.reading() as session:
            head, keys = ledger_queries.newest_head(session), ledger_queries.known_keys(session)
        told = [
            KeyAnswer(key_id=key.key_id, public_key=key.public_key, endorsement=signed(key.endorsement)) for key in keys
        ]
        return LedgerAnswer(head=signed(head.document) if head else None, keys=told)

    @router.get("/consistency/{first}")
    def get_consistency(first: int, caller: AccountHolder, house: With) -> ConsistencyAnswer:  # noqa: ARG001
        """For whoever has an account: it costs a look at every leaf since that head."""
        with house.database.reading() as session:
            proof = ledger_queries.consistency(session, first)
        if proof is None:
            raise NotFound
        return ConsistencyAnswer(first=first, second=proof.size, path=list(proof.path), head=signed(proof.head) or {})

    return router
