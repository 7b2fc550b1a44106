"""The page of one's devices."""

import pytest

from corpus.collaborators import Collaborators
from ingest.pair_device import list_devices
from ingest.pairing import codes
from ingest.pairing.pair_by_code import begin_pairing, collect_token
from tests.factories import make_account, make_lender
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


def test_a_device_is_paired_by_the_code_that_it_shows(house: Collaborators) -> None:
    account_id = make_account(house)
    someone = visitor(house, account_id)
    begun = begin_pairing(house)

    filled_in = someone.get(f"/me/devices?code={codes.shown(begun.user_code)}")
    answer = someone.send("/me/devices", code=codes.shown(begun.user_code).lower(), name="Kitchen")

    assert f'value="{begun.user_code}"' in filled_in.text
    assert "Go on only if you see this very code" in filled_in.text
    assert (answer.status_code, answer.headers["location"]) == (303, "/me/devices?said=paired")
    assert [device.name for device in list_devices(house, account_id)] == ["Kitchen"]
    assert collect_token(house, begun.device_code)


@pytest.mark.parametrize(
    ("code", "name", "status"),
    [("BCDFGHJK", "Kitchen", 404), ("", "Kitchen", 404), (None, " ", 400)],
    ids=["no-device-shows-it", "empty", "no-name"],
)
def test_what_cannot_be_paired_says_why_and_keeps_what_was_typed(
    house: Collaborators, code: str | None, name: str, status: int
) -> None:
    account_id = make_account(house)
    typed = begin_pairing(house).user_code if code is None else code

    answer = visitor(house, account_id).send("/me/devices", code=typed, name=name)

    assert answer.status_code == status
    assert 'role="alert"' in answer.text
    assert f'value="{typed}"' in answer.text
    assert list_devices(house, account_id) == []


def test_guessing_codes_is_ended(house: Collaborators) -> None:
    someone = visitor(house, make_account(house))

    statuses = [someone.send("/me/devices", code="BCDFGHJK", name="x").status_code for _ in range(6)]

    assert statuses == [404] * 5 + [429]


def test_another_site_pairs_nothing(house: Collaborators) -> None:
    account_id = make_account(house)
    begun = begin_pairing(house)

    answer = visitor(house, account_id).send_from_elsewhere("/me/devices", code=begun.user_code, name="theirs")

    assert answer.status_code == 403
    assert list_devices(house, account_id) == []


def test_who_is_led_here_with_a_code_keeps_it_over_the_sign_in(house: Collaborators) -> None:
    answer = visitor(house).get("/me/devices?code=BCDF-GHJK")

    assert answer.headers["location"] == "/sign-in?next=/me/devices%3Fcode%3DBCDF-GHJK"


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
