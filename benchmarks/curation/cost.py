"""What curation costs: each step of a worker over an hour of audio, on a house of its own, without other work."""

import tempfile
from pathlib import Path

from benchmarks.curation.material import Material
from benchmarks.curation.section import Cell, Section, Table
from corpus.collaborators import Collaborators, collaborators
from corpus.settings import Settings
from corpus.speech.recognisers.whisper import TINY_ENGLISH
from curation.executors import Inline, opened_bench
from curation.run import curate
from loanword.prepare import prepare
from tests.factories import make_lender, make_utterance

TITLE = "What an hour of audio costs"

RECORDINGS = 80

PROSE = """\
One worker curates recordings as they were sent, without transcripts, with the recogniser `tiny.en`.
Rows go to SQLite, and objects to a directory.
Seconds are by the clock of one worker process, the decoder's child included, on a machine that did other work as well.
"""


def measure(material: Material) -> Section:
    """The first recordings of each speaker in turn, so that no source outweighs the others."""
    chosen = sorted((each for each in material.speech if not each.headerless), key=lambda each: each.path.name)
    step = max(1, len(chosen) // RECORDINGS)
    with tempfile.TemporaryDirectory(prefix="loanword-cost-") as folder:
        settings = Settings(home=Path(folder), recogniser=TINY_ENGLISH)
        prepare(settings)
        house = collaborators(settings)
        try:
            sent = _send(house, [each.path for each in chosen[::step]])
            with opened_bench(settings) as bench:
                counts = curate(house, Inline(bench)).batches
        finally:
            house.database.close()
    seconds_each = counts.audio_s / sent
    hours, total_s = counts.audio_s / 3600, sum(counts.seconds.values())
    rows: list[list[Cell]] = [
        [name, round(took_s / hours, 1), round(100 * took_s / total_s, 1), sent]
        for name, took_s in counts.seconds.items()
    ]
    return Section(
        n=sent,
        prose=PROSE,
        tables=[
            Table(
                ["step", "seconds for an hour of audio", "share, %", "n"],
                [*rows, ["**all**", round(total_s / hours, 1), 100.0, sent]],
                caption=f"{sent / total_s:.1f} recordings a second; one lasts {seconds_each:.1f} s on average.",
            )
        ],
        flaws=["Short recordings cost more an hour than long ones; a larger recogniser changes one line of the table."],
    )


def _send(house: Collaborators, recordings: list[Path]) -> int:
    lender = make_lender(house)
    for path in recordings:
        make_utterance(house, lender, body=path.read_bytes(), transcript=None)
    return len(recordings)
