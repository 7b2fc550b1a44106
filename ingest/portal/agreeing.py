"""The form that agrees: the whole notice, one unticked box a purpose, the affirmation of age, one button."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fastapi import Request
from markupsafe import Markup

from corpus import queries
from corpus.collaborators import Collaborators
from corpus.consent import NEEDS
from corpus.errors import NoticeOutdated, UnknownNotice
from corpus.tables import ConsentNotice
from corpus.words import AccountId, ConsentMethod, Purpose
from ingest.give_consent import Agreement, give_consent
from ingest.portal.notice import Stated, as_html, choose, stated
from ingest.portal.wording import PURPOSES

TICKED = "on"


@dataclass(frozen=True, slots=True)
class Form:
    """The notice that is shown, and the boxes: as they were ticked where the form comes back with a complaint."""

    notice: ConsentNotice | None
    locales: tuple[str, ...] = ()
    ticked: frozenset[Purpose] = frozenset()
    adult: bool = False
    complaint: str = ""

    @property
    def wording(self) -> Markup:
        return as_html(self.notice.wording) if self.notice else Markup()

    @property
    def stated(self) -> Stated:
        return stated(self.notice.terms if self.notice else "{}")


def form_for(house: Collaborators, request: Request, locale: str = "") -> Form:
    """In the language asked for, or in one that the browser accepts."""
    with house.database.reading() as session:
        notices = queries.current_notices(session)
    accepted = request.headers.get("accept-language", "")
    shown = choose(notices, locale, accepted, house.settings.locale)
    return Form(shown, tuple(each.locale for each in notices))


def agree(house: Collaborators, account_id: AccountId, request: Request, fields: Mapping[str, str]) -> Form | None:
    """Records what was ticked. Where it cannot be, the form again, as it was ticked, saying why."""
    ticked = frozenset(purpose for purpose in Purpose if fields.get(purpose.value) == TICKED)
    adult = fields.get("adult") == TICKED
    version, locale = fields.get("notice", ""), fields.get("locale", "")
    complaint = complaint_about(ticked, adult=adult)
    if not complaint:
        try:
            give_consent(house, account_id, Agreement(version, locale, ticked, adult, ConsentMethod.PAGE))
        except (NoticeOutdated, UnknownNotice):
            complaint = "The text has changed while you were reading it. Please read it again, then agree."
        else:
            return None
    return replace(form_for(house, request, locale), ticked=ticked, adult=adult, complaint=complaint)


def complaint_about(ticked: frozenset[Purpose], *, adult: bool) -> str:
    """What to change before it can be recorded; empty where it can."""
    if not ticked:
        return "Nothing is ticked yet, so nothing has changed. Tick what you agree to."
    for purpose in Purpose:
        for needed in NEEDS[purpose]:
            if purpose in ticked and needed not in ticked:
                return f"“{PURPOSES[purpose].title}” needs “{PURPOSES[needed].title}”: tick both, or neither."
    return "" if adult else "Only adults can lend their voice. If you are one, tick the last box as well."
