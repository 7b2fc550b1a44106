"""The page of one's devices: what each is called, and the end of it."""

from fastapi import Response

from corpus.errors import BadRequest
from corpus.web.dependencies import AccountHolder, FormFields, With
from corpus.words import DeviceId
from ingest.pair_device import list_devices, rename_device, revoke_device
from ingest.portal.pages import onward, page, page_router

ADDRESS = "/me/devices"
router = page_router()


@router.get(ADDRESS)
def devices_page(caller: AccountHolder, house: With, said: str = "") -> Response:
    return page("devices.html", here="devices", said=said, devices=list_devices(house, caller.account_id), complaint="")


@router.post(ADDRESS + "/{device_id}/rename")
def rename(device_id: str, fields: FormFields, caller: AccountHolder, house: With) -> Response:
    try:
        rename_device(house, caller.account_id, DeviceId(device_id), fields.get("name", ""))
    except BadRequest as refusal:
        devices = list_devices(house, caller.account_id)
        return page("devices.html", here="devices", status=400, devices=devices, complaint=str(refusal))
    return onward(ADDRESS, "renamed")


@router.post(ADDRESS + "/{device_id}/revoke")
def revoke(device_id: str, fields: FormFields, caller: AccountHolder, house: With) -> Response:  # noqa: ARG001 `fields` refuses other sites
    revoke_device(house, caller.account_id, DeviceId(device_id))
    return onward(ADDRESS, "revoked")
