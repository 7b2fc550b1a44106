"""Checks a Loanword receipt, offline: python verify_receipt.py receipt.json [--key PUBLICKEY]

It needs this file, the receipt (as JSON, or as the text that came by mail), Python 3.11 and `pip install cryptography`.
PUBLICKEY is the server's, 64 hexadecimal digits from a place that you trust. Exit status: 0 it holds, 1 it does not.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

RECEIPT, HEAD, ALGORITHM = "loanword/consent-receipt/1", "loanword/tree-head/1", "Ed25519"


def canonical(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def need(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def unhex(text: str, size: int) -> bytes:
    raw = bytes.fromhex(text)
    need(len(raw) == size and raw.hex() == text, "a number is not written as it must be")
    return raw


def root_over(leaf: bytes, index: int, size: int, path: list[str]) -> bytes:
    """RFC 9162, section 2.1.3.2: the root that the path leads to."""
    need(0 <= index < size, "the place in the log is impossible")
    at, last, reached = index, size - 1, leaf
    for sibling in (unhex(each, 32) for each in path):
        need(last > 0, "the path is too long")
        if at & 1 or at == last:
            reached = sha256(b"\x01", sibling, reached)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            reached = sha256(b"\x01", reached, sibling)
        at, last = at >> 1, last >> 1
    need(last == 0, "the path is too short")
    return reached


def verify(raw: bytes, key: str | None = None) -> dict[str, Any]:
    """The receipt as JSON, once all of it was checked. Raises an error otherwise."""
    if armoured := re.search(rb"-----BEGIN RECEIPT-----([^-]+)-----END RECEIPT-----", raw):
        raw = base64.b64decode(b"".join(armoured[1].split()), validate=True)
    receipt: dict[str, Any] = json.loads(raw)
    need(canonical(receipt) == raw.removesuffix(b"\n"), "it is not in the one form that a receipt has")
    need(set(receipt) == {"type", "record", "salt", "terms", "proof", "public_key"}, "a part is missing, or too many")
    need(receipt["type"] == RECEIPT and set(receipt["proof"]) == {"index", "path", "head"}, "it is no such receipt")
    record, terms, proof = receipt["record"], receipt["terms"], receipt["proof"]
    told = hashlib.sha256(canonical(terms)).hexdigest() if terms is not None else None
    need(record.get("terms_sha256") == told, "the terms are not those that were recorded")
    public_key, head = unhex(receipt["public_key"], 32), dict(proof["head"])
    need(key in (None, receipt["public_key"]), "it is signed by another key than the one you trust")
    signature = head.pop("signature")
    value = base64.b64decode(signature["value"], validate=True)
    again = base64.b64encode(value).decode()  # base64 has bits that decoding does not look at
    written = {"algorithm": ALGORITHM, "key_id": sha256(public_key).hex()[:16], "value": again}
    need(signature == written and head["type"] == HEAD, "the signature is not of the kind that it must be")
    Ed25519PublicKey.from_public_bytes(public_key).verify(value, canonical(head))
    leaf = sha256(b"\x00", unhex(receipt["salt"], 32), canonical(record))
    reached = root_over(leaf, proof["index"], head["size"], proof["path"])
    need(reached == unhex(head["root"], 32), "the path leads astray")
    return receipt


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("receipt", type=Path)
    parser.add_argument("--key", metavar="PUBLICKEY")
    asked = parser.parse_args()
    try:
        receipt = verify(asked.receipt.read_bytes(), asked.key)
    except Exception as error:  # broad: whatever goes wrong, this is no receipt that holds
        sys.exit(f"NOT a sound receipt: {str(error) or 'the signature is not of this receipt'}")
    proof, key = receipt["proof"], receipt["public_key"]
    print(json.dumps(receipt["record"], indent=2, sort_keys=True, ensure_ascii=False))
    print(f"\nEntry {proof['index']} in a log of {proof['head']['size']}, signed at {proof['head']['at']} by the key")
    print(key, "which you trust." if asked.key else "- compare it with the one that the server publishes.", sep="\n")
    print("This shows what the operator signed and when, and that it was not rewritten; not what a person intended.")


if __name__ == "__main__":
    main()
