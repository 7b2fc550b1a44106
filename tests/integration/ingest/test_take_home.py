"""Everything of one's own as one file: what is in it, and what happens when the voice is taken back meanwhile."""

import csv
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.collaborators import Collaborators, collaborators
from corpus.demographics import Field
from corpus.tables import Utterance
from corpus.words import Purpose
from ingest.demographics import tell
from ingest.give_consent import Agreement, give_consent
from ingest.take_home import BATCH, take_home
from ingest.withdraw import withdraw
from tests.factories import (
    ALL_PURPOSES,
    make_account,
    make_clip,
    make_lender,
    make_utterance,
    opt_in,
    tone,
    wav,
    withdraw_consent,
)
from tests.integration.ingest.portal.visitor import visitor


@pytest.fixture
def elsewhere(house: Collaborators) -> Iterator[Collaborators]:
    """The same house, as another process has it."""
    opened = collaborators(house.settings, house.clock)
    yield opened
    opened.database.close()


def opened(pieces: Iterator[bytes]) -> zipfile.ZipFile:
    """Whole, and sound."""
    archive = zipfile.ZipFile(io.BytesIO(b"".join(pieces)))
    assert archive.testzip() is None
    return archive


def manifest(archive: zipfile.ZipFile) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read("manifest.csv").decode())))


def until_the_first_recording(pieces: Iterator[bytes]) -> bytes:
    """All that was sent when the first recording has been."""
    sent = b""
    while b"recordings/" not in sent:
        sent += next(pieces)
    return sent


def test_it_holds_the_original_of_every_recording_and_a_line_for_each(house: Collaborators) -> None:
    lender, other = make_lender(house), make_lender(house)
    make_utterance(house, other)
    body = wav(tone(duration_s=0.2))
    first = make_utterance(house, lender, body=body, transcript="lights, please")
    make_clip(house, lender, label="lights on")

    archive = opened(take_home(house, lender.account_id))

    lines = {line["recording"]: line for line in manifest(archive)}
    assert len(lines) == 2
    assert archive.read(lines[first]["file"]) == body
    assert lines[first]["transcript_of_device"] == "lights, please"
    assert {line["transcript_of_curator"] for line in lines.values()} == {"", "lights on"}
    assert "Nothing here is encrypted" in archive.read("README.txt").decode()
    assert archive.read("notices/1-en-US.txt").decode().startswith("Notice 1")
    assert json.loads(archive.read("devices.json"))[0]["name"] == "kitchen"


def test_what_one_told_of_oneself_is_in_it(house: Collaborators) -> None:
    account_id = make_account(house)
    opt_in(house, account_id, purposes=Purpose)
    tell(house, account_id, Field.GENDER, "woman")

    archive = opened(take_home(house, account_id))

    assert json.loads(archive.read("about-you.json")) == {"gender": "woman"}


def test_every_receipt_is_in_it_with_what_checks_it(house: Collaborators, tmp_path: Path) -> None:
    lender = make_lender(house)

    archive = opened(take_home(house, lender.account_id))
    archive.extractall(tmp_path)

    records = json.loads(archive.read("consent.json"))
    assert [(each["act"], each["purpose"]) for each in records] == [("given", each.value) for each in ALL_PURPOSES]
    found = sorted((tmp_path / "receipts").glob("*.json"))
    assert len(found) == len(ALL_PURPOSES)
    check = [sys.executable, str(tmp_path / "receipts" / "verify_receipt.py"), str(found[0])]
    assert subprocess.run(check, capture_output=True, check=False).returncode == 0


def test_more_recordings_than_a_batch_come_each_once(house: Collaborators) -> None:
    lender = make_lender(house)
    made = {make_utterance(house, lender, body=wav(tone(duration_s=0.01))) for _ in range(BATCH + 3)}

    lines = manifest(opened(take_home(house, lender.account_id)))

    assert sorted(line["recording"] for line in lines) == sorted(made)


def test_it_is_never_whole_in_memory(house: Collaborators) -> None:
    lender = make_lender(house)
    body = wav(bytes(range(256)) * 400)
    for _ in range(BATCH):
        make_utterance(house, lender, body=body)

    pieces = [len(piece) for piece in take_home(house, lender.account_id)]

    assert max(pieces) < 2 * len(body)
    assert len(pieces) > BATCH


def test_a_recording_deleted_meanwhile_is_left_out(house: Collaborators) -> None:
    lender = make_lender(house)
    made = sorted(make_utterance(house, lender) for _ in range(3))
    pieces = take_home(house, lender.account_id)
    begun = until_the_first_recording(pieces)
    with house.database.writing() as session:
        session.delete(session.get_one(Utterance, made[-1]))

    archive = opened(iter([begun, *pieces]))

    assert len(manifest(archive)) == 2
    assert "INCOMPLETE.txt" not in archive.namelist()


@pytest.mark.parametrize("with_key", [False, True], ids=["gate-alone", "key-destroyed"])
def test_a_withdrawal_meanwhile_ends_it_with_a_file_that_opens_and_says_so(
    house: Collaborators, elsewhere: Collaborators, with_key: bool
) -> None:
    lender = make_lender(house)
    for _ in range(BATCH + 3):
        make_utterance(house, lender)
    pieces = take_home(house, lender.account_id)
    begun = until_the_first_recording(pieces)
    if with_key:
        withdraw(elsewhere, lender.account_id)
    else:
        withdraw_consent(elsewhere, lender.account_id)

    archive = opened(iter([begun, *pieces]))

    assert len([name for name in archive.namelist() if name.startswith("recordings/")]) == 1
    assert f"1 of {BATCH + 3} recordings" in archive.read("INCOMPLETE.txt").decode()


def test_who_took_it_back_and_agreed_again_meanwhile_is_told_that_it_is_not_complete(
    house: Collaborators, elsewhere: Collaborators
) -> None:
    lender = make_lender(house)
    for _ in range(BATCH + 3):
        make_utterance(house, lender)
    pieces = take_home(house, lender.account_id)
    begun = until_the_first_recording(pieces)
    withdraw(elsewhere, lender.account_id)
    give_consent(elsewhere, lender.account_id, Agreement("1", "en-US", frozenset(ALL_PURPOSES), adult=True))

    archive = opened(iter([begun, *pieces]))

    assert f"1 of {BATCH + 3} recordings" in archive.read("INCOMPLETE.txt").decode()


@pytest.mark.parametrize("purposes", [ALL_PURPOSES, (Purpose.COLLECT,)], ids=["all", "collect-alone"])
def test_after_a_withdrawal_there_are_no_recordings_to_take(
    house: Collaborators, purposes: tuple[Purpose, ...]
) -> None:
    lender = make_lender(house)
    make_utterance(house, lender)
    withdraw_consent(house, lender.account_id, *purposes)

    archive = opened(take_home(house, lender.account_id))

    assert not [name for name in archive.namelist() if name.startswith("recordings/")]
    assert "notices/1-en-US.txt" in archive.namelist()


def test_it_is_sent_to_its_owner_alone(house: Collaborators) -> None:
    lender, other = make_lender(house), make_lender(house)
    utterance_id = make_utterance(house, lender)

    own = visitor(house, lender.account_id).get("/me/take-home")
    others = visitor(house, other.account_id).get("/me/take-home")
    nobodys = visitor(house).get("/me/take-home")

    assert own.headers["content-disposition"] == 'attachment; filename="loanword-2026-03-01.zip"'
    assert own.headers["cache-control"] == "no-store"
    assert [line["recording"] for line in manifest(opened(iter([own.content])))] == [utterance_id]
    assert utterance_id.encode() not in others.content
    assert nobodys.status_code == 303
