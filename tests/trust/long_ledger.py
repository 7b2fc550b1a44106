"""A ledger of as many consent events as one likes, written in bulk as `append_consent_events` would, one by one."""

import hashlib
import random
import time
from datetime import timedelta

from sqlalchemy import insert

from corpus import ledger, ledger_queries, queries
from corpus.audit import audit
from corpus.collaborators import Collaborators
from corpus.tables import Account, ConsentEvent, LedgerLeaf, SigningKey, TreeHead
from corpus.words import AccountId, ConsentAct, ConsentActor, ConsentMethod, Purpose
from tests.factories import publish_notice
from tests.trust.grounds import Ground
from tests.trust.results import Result

EVENTS_AN_ANSWER = len(Purpose)
WITHIN_S = 5.0
AUDITS = 3
ACTS = (ConsentAct.GIVEN, ConsentAct.RENEWED, ConsentAct.REFUSED, ConsentAct.WITHDRAWN)


def write_ledger(house: Collaborators, *, events: int, accounts: int = 500, seed: int = 1) -> None:
    """Into an empty house: one signed head for each answer, which has one event for each purpose."""
    random_ = random.Random(seed)
    began = house.clock() - timedelta(days=400)
    notice = publish_notice(house, at=began)
    people = [AccountId(f"{random_.getrandbits(128):032x}") for _ in range(accounts)]
    rows, leaves, heads = [], [], []
    peaks: list[str] = []
    previous = None
    for first in range(0, events, EVENTS_AN_ANSWER):
        at = began + timedelta(seconds=first, microseconds=random_.randrange(1_000_000))
        grown = []
        account_id = random_.choice(people)
        for offset, purpose in enumerate(list(Purpose)[: events - first]):
            event = ConsentEvent(
                id=first + offset,
                account_id=account_id,
                purpose=purpose,
                act=random_.choice(ACTS),
                at=at,
                expires_at=random_.choice([None, at + timedelta(days=365)]),
                notice_id=notice.id,
                method=ConsentMethod.API,
                actor=ConsentActor.SELF,
                adult=True,
                salt=f"{random_.getrandbits(256):064x}",
            )
            told = ledger.leaf_hash(event.salt or "", queries.event_content(event, notice))
            rows.append({name: value for name, value in vars(event).items() if not name.startswith("_")})
            leaves.append({"index": event.id, "hash": told})
            grown.append(told)
        peaks = ledger.grow(peaks, first, grown)
        size, root = first + len(grown), ledger.root_of(peaks)
        head = {"size": size, "root": root, "at": at.isoformat(), "previous": previous}
        document = house.signer.sign(ledger_queries.TREE_HEAD, head)
        previous = hashlib.sha256(document.encode()).hexdigest()
        heads.append({"size": size, "root": root, "peaks": " ".join(peaks), "at": at, "document": document})
    with house.database.writing() as session:
        key = {"key_id": house.signer.key_id, "public_key": house.signer.public_key.hex(), "created_at": heads[0]["at"]}
        session.execute(insert(Account), [{"id": each, "created_at": began, "failed_sign_ins": 0} for each in people])
        session.execute(insert(SigningKey), [key])
        session.execute(insert(LedgerLeaf), leaves)
        session.execute(insert(ConsentEvent), rows)
        session.execute(insert(TreeHead), heads)


def measure_audit(ground: Ground, events: int, seed: int) -> Result:
    """How long an audit of so many events takes, the best of three.

    Held to the processor's time, for what else this machine does is not the audit's; the clock's is told as well.
    """
    with ground.house() as house:
        write_ledger(house, events=events, seed=seed)
        took_s, failures = [], []
        for _ in range(AUDITS):
            began_s, began_cpu_s = time.perf_counter(), time.process_time()
            fault = audit(house).fault
            took_s.append((time.process_time() - began_cpu_s, time.perf_counter() - began_s))
            failures += [fault] if fault else []
    cpu_s, clock_s = min(took_s)
    if cpu_s >= WITHIN_S:
        failures.append(f"an audit took {cpu_s:.1f} s of the processor")
    figure = f"{cpu_s:.2f} s of the processor, {clock_s:.2f} s by the clock"
    return Result("9", f"audits of {events:,} consent events", ground.name, AUDITS, seed, failures, figure)
