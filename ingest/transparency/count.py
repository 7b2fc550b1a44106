"""Counts what the numbers page tells."""

import json
from collections.abc import Sequence
from datetime import timedelta

from corpus import ledger_queries, queries
from corpus.collaborators import Collaborators
from corpus.ledger_queries import public_keys
from corpus.signing import fingerprint_of, verify
from corpus.tables import TreeHead
from corpus.words import ErasureKind, Purpose
from ingest.erasures.record import Reason
from ingest.transparency import queries as own
from ingest.transparency.facts import Counted, Head, Taken
from ingest.transparency.queries import Erased

KEPT_FOR = timedelta(minutes=1)
"""Counted once a minute at most, whoever asks and however often."""


def count(house: Collaborators) -> Counted:
    with house.database.reading() as session:
        now = house.clock()
        opted_in, withdrawn = queries.count_consent(session, Purpose.COLLECT, now)
        asked = [each for each in own.erasures(session) if each.reason is not Reason.RETENTION]
        stopped = [(each, each.stop_took_ms / 1000) for each in asked if each.stop_took_ms is not None]
        erased = [(each, (each.erased_at - each.requested_at).total_seconds()) for each in asked if each.erased_at]
        copies, reported = own.copies(session)
        head = ledger_queries.newest_head(session)
        return Counted(
            at=now,
            opted_in=opted_in,
            withdrawn=withdrawn,
            closed=own.closed_accounts(session),
            kept=own.kept_sound(session, now),
            released=own.released_sound(session, now),
            stops=_taken(stopped),
            erasures=_taken(erased),
            releases=own.releases_by_state(session),
            recuts=own.count_recuts(session),
            tombstones=own.count_tombstones(session),
            copies_to_clean=copies,
            copies_reported=reported,
            head=None if head is None else _told(head, public_keys(session)),
        )


def _taken(measured: Sequence[tuple[Erased, float]]) -> Taken:
    """Of who closed their account, the closing alone still stands for one person: their other erasures name nobody."""
    known = {each.account_id for each, _ in measured if each.account_id is not None}
    gone = sum(each.account_id is None and each.kind is ErasureKind.ACCOUNT for each, _ in measured)
    return Taken([took_s for _, took_s in measured], len(known) + gone)


def _told(head: TreeHead, keys: dict[str, bytes]) -> Head:
    """Raises `BadSignature` rather than show a head that none of our keys signed."""
    verify(head.document, ledger_queries.TREE_HEAD, keys)
    key_id = str(json.loads(head.document)["signature"]["key_id"])
    key = keys[key_id]
    return Head(head.size, head.root, head.at, key_id, key.hex(), fingerprint_of(key), head.document)
