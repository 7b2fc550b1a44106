"""Deleting recordings: one, several or all. A page says what follows, and its button does it."""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import BackgroundTasks, Response

from corpus.collaborators import Collaborators
from corpus.errors import UnknownClip
from corpus.web.dependencies import AccountHolder, FormFields, With
from corpus.words import AccountId, UtteranceId
from ingest.delete_recordings import delete_recordings
from ingest.erase import try_to_finish_erasures
from ingest.own import queries
from ingest.own.clips import PER_PAGE, OwnClip, described
from ingest.own.queries import Holding
from ingest.portal import clips
from ingest.portal.agreeing import TICKED
from ingest.portal.pages import onward, page, page_router

router = page_router()


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was chosen, as the page tells it; `fields` choose it again."""

    ids: tuple[UtteranceId, ...]
    everything: bool
    clips: tuple[OwnClip, ...]
    releases: tuple[Holding, ...]
    """Those that hold one of them now."""
    fields: dict[str, str]

    @property
    def count(self) -> int:
        return len(self.ids)


@router.post(clips.ADDRESS + "/delete")
def ask(fields: FormFields, caller: AccountHolder, house: With) -> Response:
    chosen = _chosen(house, caller.account_id, fields)
    if not chosen.ids:
        return clips.list_page(house, caller.account_id, complaint="Nothing is selected.", status=400)
    return page("delete.html", here="clips", chosen=chosen)


@router.post(clips.ADDRESS + "/deleted")
def delete(fields: FormFields, caller: AccountHolder, house: With, afterwards: BackgroundTasks) -> Response:
    chosen = _chosen(house, caller.account_id, fields)
    delete_recordings(house, caller.account_id, None if chosen.everything else chosen.ids)
    afterwards.add_task(try_to_finish_erasures, house, caller.account_id)
    return onward(clips.ADDRESS, "deleted")


def _chosen(house: Collaborators, account_id: AccountId, fields: Mapping[str, str]) -> Chosen:
    """Raises `UnknownClip` where one of them is not the person's, or is gone."""
    everything = fields.get("all") == TICKED
    with house.database.reading() as session:
        own = queries.own_ids(session, account_id, house.clock())
    wanted = list(own) if everything else _named(fields)
    if not set(wanted) <= set(own):
        raise UnknownClip("One of these recordings is not there any more: go back, and look again.")
    with house.database.reading() as session:
        rows = queries.own_recordings_of(session, account_id, house.clock(), wanted[:PER_PAGE])
        releases = queries.releases_with(session, account_id, None if everything else wanted)
    shown = () if everything else tuple(described(house, account_id, rows))
    again = ["all"] if everything else [str(each) for each in wanted]
    return Chosen(tuple(wanted), everything, shown, tuple(releases), dict.fromkeys(again, TICKED))


def _named(fields: Mapping[str, str]) -> list[UtteranceId]:
    """The one whose button was pressed, or else each that is ticked."""
    if "only" in fields:
        return [UtteranceId(fields["only"])]
    return [UtteranceId(name) for name, value in fields.items() if value == TICKED][:PER_PAGE]
