"""What a sweep finds."""

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from corpus import object_keys
from corpus.collaborators import Collaborators
from corpus.keys import KeyKind
from corpus.words import UtteranceId, new_id
from ingest.sweep import ORPHAN_AGE, sweep
from ingest.withdraw import withdraw
from tests.factories import NOW, Lender, make_clip, make_lender, make_utterance, voice_key
from tests.fixtures.house import StillClock
from tests.integration.ingest.traces import Traces


def orphan(house: Collaborators, lender: Lender, *, written_at: datetime) -> str:
    """A stored utterance that has no row."""
    key = voice_key(house, lender.account_id)
    object_key = object_keys.new_utterance_key(lender.account_id, key.key_id, UtteranceId(new_id()))
    house.vault.put(key, object_key, b"a voice")
    path = Path(house.settings.resolved_object_store()) / object_key
    os.utime(path, (written_at.timestamp(), written_at.timestamp()))
    return object_key


def test_an_old_object_without_a_row_is_erased_and_all_others_stay(house: Collaborators, traces: Traces) -> None:
    lender = make_lender(house)
    make_clip(house, lender)
    make_clip(house, make_lender(house))
    named = traces.objects()
    old = orphan(house, lender, written_at=NOW - ORPHAN_AGE)

    swept = sweep(house)

    assert (swept.orphans, swept.young, swept.missing) == ((old,), 0, ())
    assert traces.objects() == named


def test_an_upload_under_way_is_left_alone(house: Collaborators, traces: Traces) -> None:
    young = orphan(house, make_lender(house), written_at=NOW - ORPHAN_AGE + timedelta(seconds=1))

    swept = sweep(house)

    assert (swept.orphans, swept.young) == ((), 1)
    assert traces.objects() == [young]


def test_a_dry_run_only_tells(house: Collaborators, traces: Traces) -> None:
    lender = make_lender(house)
    old = orphan(house, lender, written_at=NOW - ORPHAN_AGE)
    other = make_lender(house)
    make_utterance(house, other)
    withdraw(house, other.account_id)
    before = traces.now()

    swept = sweep(house, dry_run=True)

    assert swept.orphans == (old,)
    assert traces.now() == before


@pytest.mark.parametrize("others", [0, 1], ids=["all-are-gone", "some-are-there"])
def test_a_lost_object_is_told_and_its_row_kept(house: Collaborators, traces: Traces, others: int) -> None:
    lender = make_lender(house)
    make_utterance(house, lender)
    (lost,) = traces.objects()
    for _ in range(others):
        make_clip(house, lender)
    house.store.erase(lost)

    with capture_logs() as logs:
        swept = sweep(house)

    assert swept.missing == (lost,)
    assert [(line["log_level"], line["object"]) for line in logs] == [("error", lost.rpartition("/")[2])]
    assert traces.utterances() == 1 + others


@pytest.mark.parametrize("minutes", [59, 61], ids=["somebody-is-just-opting-in", "nobodys"])
def test_a_key_that_no_row_names_goes_once_it_is_old(house: Collaborators, clock: StillClock, minutes: int) -> None:
    lender = make_lender(house)
    in_use = {info.key for info in house.keyring.stored()}
    stray = object_keys.account_key(lender.account_id, house.keyring.create(lender.account_id, KeyKind.VOICE))
    [written] = [info.modified_at for info in house.keyring.stored() if info.key == stray]
    assert written is not None
    clock.now = written + timedelta(minutes=minutes)

    swept = sweep(house)

    assert swept.keys == (minutes > 60)
    assert {info.key for info in house.keyring.stored()} == (in_use if minutes > 60 else {*in_use, stray})


def test_a_sweep_finishes_erasures(house: Collaborators, traces: Traces) -> None:
    lender = make_lender(house)
    make_clip(house, lender)
    withdraw(house, lender.account_id)

    swept = sweep(house)

    assert (swept.erased.objects, swept.erased.utterances, swept.missing) == (2, 1, ())
    assert traces.objects() == []


@pytest.mark.parametrize("name", ["notes.txt", "a/b", "backup/2026/old.tar"])
def test_what_is_not_ours_is_told_and_left_and_stops_nothing(house: Collaborators, traces: Traces, name: str) -> None:
    lender = make_lender(house)
    old = orphan(house, lender, written_at=NOW - ORPHAN_AGE)
    foreign = Path(house.settings.resolved_object_store()) / "voices" / name
    foreign.parent.mkdir(parents=True, exist_ok=True)
    foreign.write_bytes(b"not a voice")
    os.utime(foreign, ((NOW - ORPHAN_AGE).timestamp(),) * 2)

    swept = sweep(house)

    assert (swept.foreign, swept.orphans) == ((f"voices/{name}",), (old,))
    assert foreign.exists()
