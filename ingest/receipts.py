"""A receipt for each change of consent and each erasure: what the ledger committed to, and the proof that it did.

One canonical JSON document, and the same for ever: the record and its salt, which only its owner can see, the terms
that were stated, and the inclusion proof at the head that its own append signed. Nothing in it can be changed unseen,
for all of it is committed content or follows from it. `verify_receipt.py` checks it without us.

The record and the terms together hold the fields of ISO/IEC TS 27560 that we can honestly fill; `not_filled` names the
others. No signature of its own is needed: the head's, and the proof, are one.
"""

import base64
import json
import textwrap
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any

from sqlalchemy.orm import Session

import ingest
from corpus import ledger, ledger_queries
from corpus import queries as consent_queries
from corpus.collaborators import Collaborators
from corpus.errors import NotFound
from corpus.queries import Committed
from corpus.words import AccountId, ConsentAct, Purpose
from ingest import queries

RECEIPT = "loanword/consent-receipt/1"
ARMOUR_COLUMNS = 72
VERIFIER = "verify_receipt.py"


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receipt. `id` is its entry's place in the ledger."""

    id: int
    at: datetime
    act: ConsentAct | None
    """None for an erasure."""
    purpose: Purpose | None
    document: str
    """Canonical JSON."""

    def as_json(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.document)
        return told


def receipts(house: Collaborators, account_id: AccountId, only: Collection[int] | None = None) -> list[Receipt]:
    """The account's, oldest first: all, or those of the entries that are named."""
    with house.database.reading() as session:
        committed = [
            *consent_queries.committed_events(session, account_id, only),
            *queries.committed_erasures(session, account_id, only),
        ]
        return _made(session, sorted(committed, key=lambda each: each.index))


def receipt(house: Collaborators, account_id: AccountId, receipt_id: int) -> Receipt:
    """Raises `NotFound`."""
    found = receipts(house, account_id, [receipt_id])
    if not found:
        raise NotFound
    return found[0]


def signed(document: str | None) -> dict[str, Any] | None:
    """A signed document, to be told as a part of an answer."""
    told: dict[str, Any] | None = json.loads(document) if document is not None else None
    return told


def verifier() -> str:
    """The program that checks a receipt without us."""
    return resources.files(ingest).joinpath(VERIFIER).read_text("utf-8")


def as_text(told: Receipt, server: str = "") -> str:
    """For a mail: what it says in words, how to check it, and the receipt itself in a form that mail leaves whole."""
    content = told.as_json()
    record, head = content["record"], content["proof"]["head"]
    terms = content["terms"] or {}
    controller = " ".join(filter(None, (terms.get("controller") or {}).values()))
    lines = [
        "RECEIPT",
        "",
        *(f"{name:<22} {value}" for name, value in _in_words(told, record, terms, controller) if value),
        "",
        f"It is entry {told.id} of a log of {head['size']}, whose head was signed at {head['at']}",
        f"by the key {content['public_key']}.",
        "",
        *textwrap.wrap(
            "It shows what the operator signed, and when, and that it was not rewritten since; it cannot show what "
            f"anyone had in mind. To check it, save this text and {server}/{VERIFIER}, and run: "
            f"python {VERIFIER} receipt.txt",
            ARMOUR_COLUMNS,
            break_long_words=False,
            break_on_hyphens=False,
        ),
        "",
        "-----BEGIN RECEIPT-----",
        *textwrap.wrap(base64.b64encode(told.document.encode()).decode(), ARMOUR_COLUMNS),
        "-----END RECEIPT-----",
        "",
    ]
    return "\n".join(lines)


def _in_words(
    told: Receipt, record: dict[str, Any], terms: dict[str, Any], controller: str
) -> Sequence[tuple[str, object]]:
    if told.act is None:
        return [("What", "erased"), ("When", told.at.isoformat())]
    purpose = (terms.get("purposes") or {}).get(record["purpose"], {})
    withdrawal = terms.get("withdrawal") or {}
    return [
        ("What", f"consent {told.act.value}"),
        ("Purpose", f"{record['purpose']}: {purpose['purpose']}" if purpose else record["purpose"]),
        ("When", told.at.isoformat()),
        ("Ends", record["expires_at"]),
        ("Notice", f"{record['notice_version']}, {record['notice_locale']}, SHA-256 {record['wording_sha256']}"),
        ("By", f"{record['actor']}, through {record['method']}"),
        ("Of age", {True: "affirmed", False: "not affirmed"}.get(record["adult"])),
        ("Data", ", ".join(purpose.get("data", ()))),
        ("Recipients", purpose.get("recipients")),
        ("Kept", purpose.get("retention")),
        ("Controller", controller),
        ("Jurisdiction", terms.get("jurisdiction")),
        ("Take back", withdrawal.get("address") or withdrawal.get("method")),
        ("Account", record["account"]),
    ]


def receipt_of(session: Session, committed: Committed) -> Receipt:
    """Of one entry of the ledger, whosever it is."""
    return _made(session, [committed])[0]


def _made(session: Session, committed: Sequence[Committed]) -> list[Receipt]:
    keys = ledger_queries.public_keys(session)
    proofs = ledger_queries.inclusions(session, [each.index for each in committed])
    return [_receipt(each, proofs[each.index], keys) for each in committed]


def _receipt(each: Committed, proof: ledger_queries.Inclusion, keys: dict[str, bytes]) -> Receipt:
    head = json.loads(proof.head)
    document = {
        "type": RECEIPT,
        "record": each.content,
        "salt": each.salt,
        "terms": json.loads(each.terms) if each.terms is not None else None,
        "proof": {"index": proof.index, "path": list(proof.path), "head": head},
        "public_key": keys[head["signature"]["key_id"]].hex(),
    }
    act, purpose = each.content.get("act"), each.content.get("purpose")
    return Receipt(
        id=each.index,
        at=datetime.fromisoformat(str(each.content.get("at") or head["at"])),
        act=ConsentAct(str(act)) if act else None,
        purpose=Purpose(str(purpose)) if act else None,
        document=ledger.canonical(document).decode(),
    )
