"""Disguising a voice: seconds of one core to each second of speech, with the linear algebra held to one thread."""

import os
import statistics
import subprocess
import sys
import time

import numpy as np

from corpus.audio import RATE_HZ
from corpus.speech.disguise import mcadams

CLIPS, CLIP_S = 40, 5
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def real_time_factor() -> float:
    """Measured in a process of its own: a library reads how many threads it may have when it is loaded."""
    command = [sys.executable, "-m", "benchmarks.disguise"]
    told = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | ONE_THREAD)
    return float(told.stdout)


def main() -> None:
    """Prints the median of the clips' factors. What is said in them does not matter, as long as no frame is silent."""
    chance, factors = np.random.default_rng(1), []
    for _ in range(CLIPS):
        noise = chance.standard_normal(CLIP_S * RATE_HZ)
        samples = np.rint(3_000 * np.convolve(noise, [1.0, 1.2, 0.8], "same")).clip(-32768, 32767).astype(np.int16)
        began = time.process_time()
        mcadams(samples, 0.7)
        factors.append((time.process_time() - began) / CLIP_S)
    print(statistics.median(factors))


if __name__ == "__main__":
    main()
