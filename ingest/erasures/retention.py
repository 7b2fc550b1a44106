"""Keeps the retention clocks: originals, refused recordings, and recordings that nobody has reviewed.

Clocks run out at midnight (UTC), so that a day's recordings of a person go together. An original is erased first and
its row emptied after that: killed in between, the next run does both again. Other recordings go as their owner's own
deletion does.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from corpus.collaborators import Collaborators
from corpus.errors import UnknownAccount
from corpus.queries import lock_account
from corpus.words import AccountId, UtteranceId
from ingest import delete_recordings
from ingest.erasures import queries
from ingest.erasures.record import Reason

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Expired:
    """What reached its time."""

    originals: int = 0
    recordings: int = 0


def keep_clocks(house: Collaborators) -> Expired:
    """Done twice is done once. Raises a `StoreError` or `Transient`; then run it again."""
    raw = _before(house, house.settings.raw_retention)
    originals = _erase_originals(house, raw) if raw else 0
    with house.database.reading() as session:
        past = queries.past_their_clock(session, *_clocks(house))
    pages = (
        (account_id, found[start : start + AT_ONCE])
        for account_id, found in past.items()
        for start in range(0, len(found), AT_ONCE)
    )
    return Expired(originals, sum(_delete(house, account_id, page) for account_id, page in pages))


def _clocks(house: Collaborators) -> tuple[datetime | None, datetime | None]:
    settings = house.settings
    return _before(house, settings.refused_retention), _before(house, settings.unreviewed_retention)


def _before(house: Collaborators, retention: timedelta | None) -> datetime | None:
    """What is older has reached its time; None where no clock runs."""
    midnight = house.clock().replace(hour=0, minute=0, second=0, microsecond=0)
    return None if retention is None else midnight - retention


def _erase_originals(house: Collaborators, measured_before: datetime) -> int:
    gone = 0
    while True:
        with house.database.reading() as session:
            past = queries.past_raw_clock(session, measured_before, AT_ONCE)
        if not past:
            return gone
        house.store.erase_all([object_key for _, object_key in past])
        with house.database.writing() as session:
            queries.forget_originals(session, past)
        gone += len(past)


def _delete(house: Collaborators, account_id: AccountId, past: list[UtteranceId]) -> int:
    """Asked again under the lock: a curator may have judged one meanwhile, or its owner may have gone."""
    with suppress(UnknownAccount), house.database.writing() as session:
        voice_key_id = lock_account(session, account_id).voice_key_id
        now_past = set(queries.past_their_clock(session, *_clocks(house), account_id).get(account_id, []))
        still = [each for each in past if each in now_past]
        if still:
            delete_recordings.remove(session, house, account_id, still, Reason.RETENTION, voice_key_id)
        return len(still)
    return 0
