"""How fast the default recogniser hears, on one core: seconds of audio a second, over whole recordings.

As a worker does it: speech gate, beam search, word times and the guard. It runs in a process of its own, held to one
processor.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np

import loanword.samples
from benchmarks.curation.material import NoMaterial, folder, recordings
from corpus.audio import RATE_HZ
from corpus.speech.decoder import Decoder
from corpus.speech.detector import load_detector
from corpus.speech.heard import Sound
from corpus.speech.hearing import load_hearing
from corpus.speech.recognisers.whisper import TINY_ENGLISH

ROUNDS = 3
SAMPLES = (".flac", ".m4a", ".mp3", ".ogg", ".wav", ".webm")
LONGEST = timedelta(seconds=20)
MOST_RECORDINGS = 60
ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True)
class Rates:
    """Seconds of audio a second, a round each."""

    recordings: int
    audio_s: float
    took_s: list[float]

    def line(self) -> str:
        rates = [self.audio_s / took_s for took_s in self.took_s]
        return (
            f"{statistics.median(rates):.1f} x real time "
            f"(of {len(rates)} rounds: {min(rates):.1f} to {max(rates):.1f}; "
            f"{self.recordings} recordings, {self.audio_s:.0f} s, in {statistics.median(self.took_s):.1f} s)"
        )


def measure() -> Rates:
    command = [sys.executable, "-m", "benchmarks.recogniser"]
    answer = subprocess.run(command, env=os.environ | ONE_CORE, stdout=subprocess.PIPE, check=True, text=True)
    return Rates(**json.loads(answer.stdout))


def main() -> None:
    """Measures in this process, and writes JSON."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    hearing = load_hearing(TINY_ENGLISH, load_detector("silero"), locale="en-US", cpu_threads=1)
    assert hearing is not None
    with Decoder() as decoder:
        clips = [decoder.decode(path.read_bytes(), LONGEST).pcm for path in _paths()]
    sounds = [Sound(np.frombuffer(pcm, "<i2"), "en-US") for pcm in clips]
    hearing.hear(sounds[:2])
    took_s = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        hearing.hear(sounds)
        took_s.append(round(time.perf_counter() - began, 3))
    audio_s = round(sum(len(sound.samples) for sound in sounds) / RATE_HZ, 1)
    sys.stdout.write(json.dumps(asdict(Rates(len(sounds), audio_s, took_s))))


def _paths() -> Iterator[Path]:
    """Recorded English sentences, evenly picked, where there are any; the samples of the package elsewhere."""
    try:
        spoken = [each.path for each in recordings(folder() / "dev") if "wer" in each.tags and each.language == "en"]
    except NoMaterial:
        spoken = [each for each in sorted(Path(loanword.samples.__file__).parent.iterdir()) if each.suffix in SAMPLES]
    yield from spoken[:: max(1, len(spoken) // MOST_RECORDINGS)][:MOST_RECORDINGS]


if __name__ == "__main__":
    main()
