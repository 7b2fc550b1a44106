"""The page of one's devices."""

import pytest

from corpus.collaborators import Collaborators
from ingest.pair_device import list_devices
from tests.factories import make_lender
from tests.integration.ingest.portal.visitor import visitor


def test_devices_are_listed_renamed_and_revoked(house: Collaborators) -> None:
    lender = make_lender(house)
    someone = visitor(house, lender.account_id)
    address = f"/me/devices/{lender.device_id}"

    listed = someone.get("/me/devices")
    renamed = someone.send(f"{address}/rename", name="  Kitchen <b>window ")
    revoked = someone.send(f"{address}/revoke")

    assert ">kitchen</h2>" in listed.text
    assert [renamed.headers["location"], revoked.headers["location"]] == [
        "/me/devices?said=renamed",
        "/me/devices?said=revoked",
    ]
    (device,) = list_devices(house, lender.account_id)
    assert (device.name, device.revoked_at) == ("Kitchen <b>window", house.clock())
    assert "Kitchen &lt;b&gt;window" in someone.get("/me/devices").text


@pytest.mark.parametrize("name", ["", " ", "a" * 101, "a\x00b"], ids=["empty", "space", "long", "nul"])
def test_a_name_that_is_none_is_refused_with_the_list(house: Collaborators, name: str) -> None:
    lender = make_lender(house)

    answer = visitor(house, lender.account_id).send(f"/me/devices/{lender.device_id}/rename", name=name)

    assert answer.status_code == 400
    assert "1 to 100 characters" in answer.text
    assert list_devices(house, lender.account_id)[0].name == "kitchen"


@pytest.mark.parametrize("act", ["rename", "revoke"])
def test_another_persons_device_is_not_there(house: Collaborators, act: str) -> None:
    mine, theirs = make_lender(house), make_lender(house)

    answer = visitor(house, mine.account_id).send(f"/me/devices/{theirs.device_id}/{act}", name="mine now")

    assert answer.status_code == 404
    (device,) = list_devices(house, theirs.account_id)
    assert (device.name, device.revoked_at) == ("kitchen", None)


@pytest.mark.parametrize("act", ["rename", "revoke"])
def test_another_site_touches_no_device(house: Collaborators, act: str) -> None:
    lender = make_lender(house)
    address = f"/me/devices/{lender.device_id}/{act}"

    answer = visitor(house, lender.account_id).send_from_elsewhere(address, name="theirs")

    assert answer.status_code == 403
    (device,) = list_devices(house, lender.account_id)
    assert (device.name, device.revoked_at) == ("kitchen", None)
