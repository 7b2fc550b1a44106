"""Notices, and what the caller agrees to under them."""

from fastapi import APIRouter, BackgroundTasks, Response

from corpus import queries
from corpus.web.dependencies import AccountHolder, With
from ingest.api.schemas import ChangeAnswer, ConsentAnswer, ConsentAsked, NoticeAnswer, NoticesAnswer, WithdrawalAsked
from ingest.api.small_bodies import SmallBodyRoute
from ingest.erase import try_to_finish_erasures
from ingest.give_consent import Agreement, consent_states, give_consent
from ingest.withdraw import withdraw


def consent_routes() -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["consent"], route_class=SmallBodyRoute)

    @router.get("/notices")
    def get_notices(house: With) -> NoticesAnswer:
        with house.database.reading() as session:
            return NoticesAnswer(notices=[NoticeAnswer.of(each) for each in queries.current_notices(session)])

    @router.get("/notices/{version}")
    def get_notice(version: str, house: With, locale: str | None = None) -> NoticeAnswer:
        with house.database.reading() as session:
            return NoticeAnswer.of(queries.notice(session, version, locale or house.settings.locale))

    @router.get("/consent")
    def get_consent(caller: AccountHolder, house: With, response: Response) -> ConsentAnswer:
        response.headers["Cache-Control"] = "no-store"
        return ConsentAnswer.of(consent_states(house, caller.account_id))

    @router.post("/consent")
    def post_consent(asked: ConsentAsked, caller: AccountHolder, house: With) -> ChangeAnswer:
        agreement = Agreement(asked.notice.version, asked.notice.locale, asked.purposes, asked.adult)
        states = give_consent(house, caller.account_id, agreement)
        return ChangeAnswer.after(house, caller.account_id, states)

    @router.post("/consent/withdraw")
    def post_withdrawal(
        caller: AccountHolder, house: With, afterwards: BackgroundTasks, asked: WithdrawalAsked | None = None
    ) -> ChangeAnswer:
        states = withdraw(house, caller.account_id, (asked or WithdrawalAsked()).purposes)
        afterwards.add_task(try_to_finish_erasures, house, caller.account_id)
        return ChangeAnswer.after(house, caller.account_id, states)

    return router
