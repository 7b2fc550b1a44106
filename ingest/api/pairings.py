"""Pairing by code: a device begins and polls, its owner approves."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from corpus.web.dependencies import AccountHolder, ClientAddress, With
from ingest.api.schemas import Asked, DeviceAnswer
from ingest.api.small_bodies import SmallBodyRoute
from ingest.pair_device import LONGEST_NAME
from ingest.pairing import codes
from ingest.pairing.pair_by_code import INTERVAL, LIFETIME, approve_pairing, begin_pairing, collect_token

PAGE = "/me/devices"
"""Where an owner types the code; `?code=` fills it in."""
NO_STORE = {"Cache-Control": "no-store"}


class BegunAnswer(BaseModel):
    """The device shows `user_code` and `verification_uri`, and polls with `device_code`. Times in seconds."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int


class TokenAsked(Asked):
    """Who polls."""

    device_code: Annotated[str, Field(max_length=128)]


class CollectedAnswer(BaseModel):
    """The device's token, shown this once."""

    token: str


class ApprovalAsked(Asked):
    """The code that the device shows, and what its owner calls it."""

    user_code: Annotated[str, Field(max_length=codes.LONGEST_TYPED)]
    name: Annotated[str, Field(min_length=1, max_length=4 * LONGEST_NAME)]


def pairing_routes() -> APIRouter:
    router = APIRouter(prefix="/v1/pairings", tags=["devices"], route_class=SmallBodyRoute)

    @router.post("", status_code=201)
    def post_pairing(request: Request, house: With, client: ClientAddress, response: Response) -> BegunAnswer:
        response.headers.update(NO_STORE)
        begun = begin_pairing(house, client)
        page = (house.settings.public_url or str(request.base_url)).rstrip("/") + PAGE
        return BegunAnswer(
            device_code=begun.device_code,
            user_code=codes.shown(begun.user_code),
            verification_uri=page,
            verification_uri_complete=f"{page}?code={codes.shown(begun.user_code)}",
            expires_in=int(LIFETIME.total_seconds()),
            interval=int(INTERVAL.total_seconds()),
        )

    @router.post("/token")
    def post_token(asked: TokenAsked, house: With, response: Response) -> CollectedAnswer:
        response.headers.update(NO_STORE)
        return CollectedAnswer(token=collect_token(house, asked.device_code))

    @router.post("/approve", status_code=201)
    def post_approval(
        asked: ApprovalAsked, caller: AccountHolder, house: With, client: ClientAddress, response: Response
    ) -> DeviceAnswer:
        response.headers.update(NO_STORE)
        return DeviceAnswer.of(approve_pairing(house, caller.account_id, asked.user_code, asked.name, client))

    return router
