"""Worker processes: the same endings as in one process, through the death of a worker, of the run, and of a decoder."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest

from corpus.collaborators import Collaborators
from corpus.errors import Misconfigured
from corpus.settings import Settings
from corpus.speech.decoder import Decoder
from corpus.tables import Clip, Hypothesis, Verdict
from corpus.words import Outcome, UtteranceId
from curation import run
from curation.counts import CurationCounts
from curation.examine import Workbench
from curation.executors import Batch, Inline, ProcessPool, WorkersKeepDying
from tests.factories import make_lender, make_utterance, melody, tone, wav
from tests.integration.curation.endings import DUPLICATE, KEPT, SILENT, UNDECODABLE, Ending, clip_objects, endings, rows
from tests.recordings import encoded

ENDS_WITHIN_S = 60.0

# A run in a process of its own, which says when the first batch is done and then waits for its end.
RUN = """
import sys
from corpus.collaborators import collaborators
from corpus.settings import Settings
from curation.executors import ProcessPool
from curation.run import Watcher, curate

def said(done, total):
    print(done, total, flush=True)
    if done:
        sys.stdin.read()

if __name__ == "__main__":
    settings = Settings(home=sys.argv[1], database_url=sys.argv[2], curate_batch=2, speech_detector=None)
    with ProcessPool(settings, 2) as pool:
        curate(collaborators(settings), pool, watcher=Watcher(on_progress=said))
"""


def send_a_mixture(house: Collaborators, *, sounds: int) -> dict[UtteranceId, Ending]:
    """Sounds, a copy of one of them, a silence and garbage, and how each should end."""
    lender = make_lender(house)
    bodies = [wav(tone(frequency_hz=200 + 10 * index)) for index in range(sounds)]
    sent = {make_utterance(house, lender, body=body): KEPT for body in bodies}
    copies = sorted([next(iter(sent)), make_utterance(house, lender, body=bodies[0])])
    return {
        **sent,
        copies[0]: KEPT,
        copies[1]: DUPLICATE,
        make_utterance(house, lender, body=wav(bytes(48_000))): SILENT,
        make_utterance(house, lender, body=b"fLaC and no more"): UNDECODABLE,
    }


def in_batches_of(house: Collaborators, size: int) -> tuple[Collaborators, Settings]:
    settings = house.settings.model_copy(update={"curate_batch": size})
    return replace(house, settings=settings), settings


def assert_whole(house: Collaborators, expected: dict[UtteranceId, Ending]) -> None:
    """Every utterance has its ending, its verdicts and its hypothesis once."""
    kept = [clip.id for clip in rows(house, Clip) if clip.object_key]
    assert endings(house) == expected
    assert sorted(each.clip_id for each in rows(house, Hypothesis)) == sorted(kept)
    assert len(rows(house, Verdict)) == 7 * len(kept) + 2 + 1  # seven for what passed, two for silence, one for failure


def test_a_pool_ends_every_recording_as_one_process_would(house: Collaborators) -> None:
    expected = send_a_mixture(house, sounds=5)
    house, settings = in_batches_of(house, 2)

    with ProcessPool(settings, 2) as pool:
        counts = run.curate(house, pool)

    assert_whole(house, expected)
    assert (counts.kept, counts.dropped, counts.failed) == (5, {"duplicate": 1, "silent": 1}, {"Undecodable": 1})
    assert len(clip_objects(house)) == 6
    assert active_children() == []


def test_a_killed_worker_is_replaced_and_its_batch_done_again(house: Collaborators) -> None:
    expected = send_a_mixture(house, sounds=7)
    house, settings = in_batches_of(house, 1)
    killed = list[int]()

    with ProcessPool(settings, 2) as pool:

        def kill_one(done: int, _total: int) -> None:
            if done and not killed:
                killed.append(pool.pids[0])
                os.kill(killed[0], signal.SIGKILL)

        counts = run.curate(house, pool, watcher=run.Watcher(on_progress=kill_one))

    assert killed
    assert_whole(house, expected)
    assert counts.batches.total == len(expected)


def test_a_batch_that_kills_every_worker_ends_the_run_and_not_the_machine(house: Collaborators) -> None:
    make_utterance(house, make_lender(house))

    class Killing(ProcessPool):
        def _give(self, batch: Batch) -> None:
            super()._give(batch)
            os.kill(self.pids[0], signal.SIGKILL)

    with Killing(house.settings, 1) as pool, pytest.raises(WorkersKeepDying):
        run.curate(house, pool)

    assert endings(house) == {}
    assert active_children() == []


def test_a_run_that_was_killed_is_resumed_where_it_was(house: Collaborators, bench: Workbench) -> None:
    expected = send_a_mixture(house, sounds=7)
    command = [sys.executable, "-c", RUN, str(house.settings.home), house.settings.resolved_database_url()]

    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == f"0 {len(expected)}\n"
        assert first.stdout.readline() == f"2 {len(expected)}\n"
        first.kill()
    before = set(endings(house))
    run.curate(house, Inline(bench))

    assert 2 <= len(before) < len(expected)
    assert_whole(house, expected)


def test_a_recording_that_kills_the_decoder_fails_and_the_others_go_on(house: Collaborators) -> None:
    lender = make_lender(house)
    before = make_utterance(house, lender, body=encoded(np.frombuffer(melody("before"), "<i2"), container="FLAC"))
    hostile = make_utterance(house, lender, body=b"RIFF hostile WAVE")
    after = make_utterance(house, lender, body=encoded(np.frombuffer(melody("after"), "<i2"), container="FLAC"))
    child = (
        "import os; from corpus.speech import decode_child as child; decode = child.decode\n"
        "def hostile(recording, *rest):\n"
        "    return os.abort() if b'hostile' in recording else decode(recording, *rest)\n"
        "child.decode = hostile\n"
        "child.main()"
    )

    with Decoder(child_command=[sys.executable, "-P", "-c", child]) as decoder:
        counts = run.curate(house, Inline(Workbench(house, decoder, recogniser=None)))

    crashed = (Outcome.FAILED, "DecoderCrashed")
    assert endings(house) == {before: KEPT, hostile: crashed, after: KEPT}
    assert counts.failed == {"DecoderCrashed": 1}


def test_a_worker_that_cannot_work_says_why(house: Collaborators, tmp_path: Path) -> None:
    make_utterance(house, make_lender(house))
    settings = house.settings.model_copy(update={"recogniser": str(tmp_path / "no-model-here")})

    with ProcessPool(settings, 1) as pool, pytest.raises(Misconfigured, match="no-model-here"):
        run.curate(house, pool)

    assert endings(house) == {}


def test_watching_curates_what_comes_in_until_it_is_stopped(house: Collaborators, bench: Workbench) -> None:
    lender, stop, seen = make_lender(house), threading.Event(), list[int]()
    wanted = {make_utterance(house, lender)}

    def passed(counts: CurationCounts) -> None:
        seen.append(counts.seen)
        if len(seen) == 1:
            wanted.add(make_utterance(house, lender))
        else:
            stop.set()

    run.watch(house, Inline(bench), stop=stop, pause=timedelta(milliseconds=10), on_pass=passed)

    assert seen == [1, 1]
    assert set(endings(house)) == wanted
