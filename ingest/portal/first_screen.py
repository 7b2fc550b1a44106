"""The first screen: what is in force now, the form that agrees, and the button that takes everything back."""

from datetime import datetime

from fastapi import BackgroundTasks, Request, Response

from corpus.collaborators import Collaborators
from corpus.queries import consent_facts
from corpus.web.dependencies import AccountHolder, FormFields, With
from corpus.words import AccountId, ConsentMethod, ErasureKind, Purpose
from ingest.erase import LATE_WRITERS, try_to_finish_erasures
from ingest.erasures.certificates import ErasureView, erasures_of
from ingest.give_consent import consent_states
from ingest.own import queries
from ingest.portal.agreeing import TICKED, Form, agree, form_for
from ingest.portal.pages import HOME, onward, page, page_router
from ingest.portal.standing import Standing, goes_with, standing_of
from ingest.withdraw import withdraw

UNSURE = (
    "Nothing has been taken back yet: tick the box above the button first. It keeps this from happening by accident."
)
router = page_router()


@router.get("/me")
def first_screen(request: Request, caller: AccountHolder, house: With, said: str = "", locale: str = "") -> Response:
    return _show(house, caller.account_id, form_for(house, request, locale), said=said)


@router.get("/me/agree")
def agree_page(request: Request, caller: AccountHolder, house: With, locale: str = "") -> Response:
    return _show_form(house, caller.account_id, form_for(house, request, locale))


@router.post("/me/agree")
def agree_by_form(fields: FormFields, request: Request, caller: AccountHolder, house: With) -> Response:
    refused = agree(house, caller.account_id, request, fields)
    if refused is None:
        return onward(HOME, "agreed")
    return _show_form(house, caller.account_id, refused, status=400)


@router.post("/me/take-back")
def take_back(
    fields: FormFields, request: Request, caller: AccountHolder, house: With, afterwards: BackgroundTasks
) -> Response:
    """Everything, where no single purpose is named; that alone asks for its box to be ticked."""
    named = fields.get("purpose", "")
    purpose = Purpose(named) if named in set(Purpose) else Purpose.COLLECT
    if purpose is Purpose.COLLECT and fields.get("sure") != TICKED:
        return _show(house, caller.account_id, form_for(house, request), status=400, unsure=UNSURE)
    withdraw(house, caller.account_id, [purpose], ConsentMethod.PAGE)
    afterwards.add_task(try_to_finish_erasures, house, caller.account_id)
    return onward(HOME, "" if purpose is Purpose.COLLECT else "stopped")


def _show(
    house: Collaborators, account_id: AccountId, form: Form, *, said: str = "", status: int = 200, unsure: str = ""
) -> Response:
    states = consent_states(house, account_id)
    standing = standing_of(states)
    with house.database.reading() as session:
        counted = queries.counts(session, account_id, house.clock())
    return page(
        f"{standing.value}.html",
        here="overview",
        said=said,
        status=status,
        states=states,
        form=form,
        counted=counted,
        unsure=unsure,
        asked_again_by=_asked_again_by(house, account_id) if standing is Standing.LENDING else None,
        taken_back=_taken_back(house, account_id) if standing is Standing.TAKEN_BACK else None,
        late_writers=LATE_WRITERS,
        goes_with={state.purpose: goes_with(state.purpose, states) for state in states},
    )


def _show_form(house: Collaborators, account_id: AccountId, form: Form, status: int = 200) -> Response:
    states = consent_states(house, account_id)
    return page("agree.html", here="overview", status=status, form=form, states=states)


def _asked_again_by(house: Collaborators, account_id: AccountId) -> datetime | None:
    """When uploads end unless the person agrees to the newer notice; None where there is no newer one."""
    with house.database.reading() as session:
        collect = [fact for fact in consent_facts(session, account_id) if fact.purpose is Purpose.COLLECT]
    return collect[-1].uploads_until


def _taken_back(house: Collaborators, account_id: AccountId) -> ErasureView | None:
    """The newest erasure of the whole voice."""
    voices = (each for each in erasures_of(house, account_id) if each.begun.kind is ErasureKind.VOICE)
    return next(voices, None)
