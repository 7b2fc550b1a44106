"""The page of one's devices: paired by the code that they show, renamed, revoked."""

from fastapi import Response

from corpus.collaborators import Collaborators
from corpus.errors import BadRequest, RateLimited, UnknownPairing
from corpus.web.dependencies import AccountHolder, ClientAddress, FormFields, With
from corpus.web.problems import status_of
from corpus.words import AccountId, DeviceId
from ingest.pair_device import list_devices, rename_device, revoke_device
from ingest.pairing import codes
from ingest.pairing.pair_by_code import approve_pairing
from ingest.portal.pages import onward, page, page_router

ADDRESS = "/me/devices"
router = page_router()


@router.get(ADDRESS)
def devices_page(caller: AccountHolder, house: With, said: str = "", code: str = "") -> Response:
    """With the code filled in where a device led here with it."""
    return _show(house, caller.account_id, said=said, code=codes.as_typed(code))


@router.post(ADDRESS)
def pair(fields: FormFields, caller: AccountHolder, house: With, client: ClientAddress) -> Response:
    code, name = fields.get("code", ""), fields.get("name", "")
    try:
        approve_pairing(house, caller.account_id, code, name, client)
    except (BadRequest, UnknownPairing, RateLimited) as refusal:
        status = status_of(type(refusal))
        return _show(house, caller.account_id, complaint=str(refusal), code=code, name=name, status=status)
    return onward(ADDRESS, "paired")


@router.post(ADDRESS + "/{device_id}/rename")
def rename(device_id: str, fields: FormFields, caller: AccountHolder, house: With) -> Response:
    try:
        rename_device(house, caller.account_id, DeviceId(device_id), fields.get("name", ""))
    except BadRequest as refusal:
        return _show(house, caller.account_id, complaint=str(refusal), status=400)
    return onward(ADDRESS, "renamed")


@router.post(ADDRESS + "/{device_id}/revoke")
def revoke(device_id: str, fields: FormFields, caller: AccountHolder, house: With) -> Response:  # noqa: ARG001 `fields` refuses other sites
    revoke_device(house, caller.account_id, DeviceId(device_id))
    return onward(ADDRESS, "revoked")


def _show(
    house: Collaborators,
    account_id: AccountId,
    *,
    said: str = "",
    complaint: str = "",
    code: str = "",
    name: str = "",
    status: int = 200,
) -> Response:
    return page(
        "devices.html",
        here="devices",
        said=said,
        status=status,
        devices=list_devices(house, account_id),
        complaint=complaint,
        code=code[: codes.LONGEST_TYPED],
        name=name,
    )
