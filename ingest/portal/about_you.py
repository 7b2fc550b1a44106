"""The page of what one may tell of oneself, each field a form of its own, and of other ways to sign in."""

from fastapi import Response

from corpus.demographics import ANSWERS, Field
from corpus.errors import BadRequest
from corpus.web.dependencies import AccountHolder, FormFields, OpenId, With
from ingest.demographics import tell, told
from ingest.portal.pages import onward, page, page_router

ADDRESS = "/me/about-you"
router = page_router()


@router.get(ADDRESS)
def about_you(caller: AccountHolder, house: With, openid: OpenId, said: str = "") -> Response:
    known = told(house, caller.account_id)
    provider = openid.name if openid else ""
    return page("about_you.html", here="about", said=said, told=known, choices=ANSWERS, provider=provider)


@router.post(ADDRESS)
def save(fields: FormFields, caller: AccountHolder, house: With) -> Response:
    """An empty answer removes what was there."""
    if fields.get("field") not in set(Field):
        raise BadRequest("There is no such field.")
    answer = "" if "remove" in fields else fields.get("answer", "")
    tell(house, caller.account_id, Field(fields["field"]), answer or None)
    return onward(ADDRESS, "about-saved" if answer else "about-removed")
