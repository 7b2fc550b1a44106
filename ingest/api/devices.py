"""The caller's devices."""

from fastapi import APIRouter, Response

from corpus.web.dependencies import AccountHolder, With
from corpus.words import DeviceId
from ingest.api.schemas import DeviceAnswer, DeviceAsked, DevicesAnswer, PairedAnswer
from ingest.api.small_bodies import SmallBodyRoute
from ingest.pair_device import list_devices, pair_device, revoke_device


def device_routes() -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["devices"], route_class=SmallBodyRoute)

    @router.post("/devices", status_code=201)
    def post_device(asked: DeviceAsked, caller: AccountHolder, house: With, response: Response) -> PairedAnswer:
        response.headers["Cache-Control"] = "no-store"
        return PairedAnswer.of(pair_device(house, caller.account_id, asked.name))

    @router.get("/devices")
    def get_devices(caller: AccountHolder, house: With, response: Response) -> DevicesAnswer:
        response.headers["Cache-Control"] = "no-store"
        return DevicesAnswer(devices=[DeviceAnswer.of(each) for each in list_devices(house, caller.account_id)])

    @router.delete("/devices/{device_id}", status_code=204)
    def delete_device(device_id: str, caller: AccountHolder, house: With) -> None:
        revoke_device(house, caller.account_id, DeviceId(device_id))

    return router
