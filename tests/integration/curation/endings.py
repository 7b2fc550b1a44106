"""What curation left behind, read straight from the tables and the store."""

from typing import TypeVar

from sqlalchemy import select

from corpus.collaborators import Collaborators
from corpus.tables import Clip, Table, Verdict
from corpus.words import Outcome, UtteranceId

Row = TypeVar("Row", bound=Table)

Ending = tuple[Outcome | None, str | None]

KEPT: Ending = (Outcome.KEPT, None)
DUPLICATE: Ending = (Outcome.DROPPED, "duplicate")
SHARED: Ending = (Outcome.DROPPED, "shared_across_accounts")
SILENT: Ending = (Outcome.DROPPED, "silent")
UNDECODABLE: Ending = (Outcome.FAILED, "Undecodable")


def endings(house: Collaborators) -> dict[UtteranceId, Ending]:
    return {clip.utterance_id: (clip.outcome, clip.reason) for clip in rows(house, Clip)}


def verdicts(house: Collaborators, utterance_id: UtteranceId) -> list[tuple[str, Outcome, str | None]]:
    [clip] = [clip for clip in rows(house, Clip) if clip.utterance_id == utterance_id]
    return [(each.stage, each.outcome, each.reason) for each in rows(house, Verdict) if each.clip_id == clip.id]


def rows(house: Collaborators, table: type[Row]) -> list[Row]:
    with house.database.reading() as session:
        return list(session.scalars(select(table)))


def clip_objects(house: Collaborators) -> list[str]:
    return [each.key for each in house.store.list("voices/") if "/clips/" in each.key]
