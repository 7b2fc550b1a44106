"""Decoding, measuring and judging, on one core: beside decoding alone, and beside a script that does less.

Ours decodes as a worker does (plain WAVs itself, all else in the sandboxed child), then trims, measures, listens and
judges batch by batch, and takes the fingerprint of what was kept. The floor reads the same bytes with soundfile,
resamples with soxr and rounds to 16 bits, in its own process. The script is what one writes first: pydub for levels and
silence, `fpcalc` for a fingerprint, webrtcvad for speech; it gets 16-bit WAV files.

Everything runs in one process of its own (and its child), held to one processor. Rates are seconds of audio a second.
"""

import csv
import gc
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import soundfile
import soxr
import webrtcvad
from numpy.typing import NDArray

import loanword.samples
from benchmarks.curation.material import NoMaterial, folder, recordings
from benchmarks.measured import Compared, by_turns
from corpus.audio import RATE_HZ
from corpus.settings import Settings
from corpus.speech.decoder import Decoder
from corpus.speech.detector import SileroDetector, load_detector
from curation import fingerprint, pipeline
from curation.examine import listeners, measured_and_heard
from curation.measure import trim_batch
from loanword.commands.curating import WORKERS_ENVIRONMENT

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it looks for FFmpeg, which it is never asked to call
    from pydub import AudioSegment
    from pydub.silence import detect_leading_silence

ROUNDS = 5
SCRIPTS_FILES = 60
VAD_FRAME_BYTES = 960
ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
SCRIPT_NEEDS = "fpcalc"
"""Of Debian's libchromaprint-tools."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured, and on what; `script` is None where the script's tools are missing."""

    files: int
    minutes: float
    source: str
    floor: Compared
    script: Compared | None


def compare() -> Figures:
    """Measures in a process of its own, on one core."""
    command = [sys.executable, "-m", "benchmarks.stages"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | WORKERS_ENVIRONMENT)
    told = json.loads(done.stdout)
    floor, script = (Compared(*map(tuple, pair)) if pair else None for pair in (told["floor"], told["script"]))
    assert floor is not None
    return Figures(told["files"], told["minutes"], told["source"], floor, script)


def lines(figures: Figures) -> list[str]:
    """For people."""
    head = f"decoding, measuring and judging, one core, {figures.files} recordings of {figures.source}"
    said = [
        f"{head} ({figures.minutes:.0f} min); floor: soundfile and soxr alone",
        "  " + figures.floor.line("s of audio/s") + "; bound 0.30",
        f"the same beside a script of pydub, fpcalc and webrtcvad, {SCRIPTS_FILES} recordings",
    ]
    missing = f"  not measured: there is no `{SCRIPT_NEEDS}`; on Debian, apt-get install libchromaprint-tools"
    return [*said, "  " + figures.script.line("s of audio/s") + "; bound 15" if figures.script else missing]


def ours(files: Sequence[bytes], decoder: Decoder, detector: SileroDetector | None) -> float:
    """Seconds of audio a second, through what a worker does between fetching and hearing."""
    settings, seconds, began = Settings(), 0.0, time.perf_counter()
    for start in range(0, len(files), settings.curate_batch):
        batch = files[start : start + settings.curate_batch]
        decoded = [decoder.decode(file, settings.clip_max) for file in batch]
        whole = [np.frombuffer(each.pcm, "<i2") for each in decoded]
        clips = [
            samples[trim.start : len(samples) - trim.end]
            for samples, trim in zip(whole, trim_batch(whole), strict=True)
        ]
        measured = measured_and_heard(clips, [each.too_long for each in decoded], listeners(detector), pipeline.STAGES)
        for each, samples in zip(measured, clips, strict=True):
            if pipeline.drop_reason(pipeline.run(pipeline.STAGES, each)) is None:
                fingerprint.fingerprint(samples)
        seconds += sum(len(samples) for samples in whole) / RATE_HZ
    return seconds / (time.perf_counter() - began)


def floor(files: Iterable[bytes]) -> float:
    seconds, began = 0.0, time.perf_counter()
    for file in files:
        seconds += len(_decoded(file)) / RATE_HZ
    return seconds / (time.perf_counter() - began)


def script(paths: Iterable[Path]) -> float:
    """What one writes first. It reads 16-bit WAV files, for without FFmpeg pydub reads no others."""
    seconds, began = 0.0, time.perf_counter()
    for path in paths:
        segment = AudioSegment.from_wav(path).set_channels(1).set_frame_rate(RATE_HZ)
        levels = (segment.dBFS, segment.max_dBFS)
        trimmed = segment[detect_leading_silence(segment) : len(segment) - detect_leading_silence(segment.reverse())]
        vad, pcm = webrtcvad.Vad(2), trimmed.raw_data
        speech = sum(
            vad.is_speech(pcm[at : at + VAD_FRAME_BYTES], RATE_HZ)
            for at in range(0, len(pcm) - VAD_FRAME_BYTES + 1, VAD_FRAME_BYTES)
        )
        printed = subprocess.run([SCRIPT_NEEDS, "-raw", str(path)], capture_output=True, check=False)
        assert len(levels) == 2
        assert speech >= 0
        assert printed.args
        seconds += segment.duration_seconds
    return seconds / (time.perf_counter() - began)


def _decoded(file: bytes) -> NDArray[np.int16]:
    signal, rate_hz = soundfile.read(io.BytesIO(file), dtype="float32", always_2d=True)
    mono = signal[:, 0] if signal.shape[1] == 1 else signal.mean(axis=1)
    if rate_hz != RATE_HZ:
        mono = soxr.resample(mono, rate_hz, RATE_HZ, quality="HQ")
    return np.asarray(np.rint(mono * 32_768).clip(-32_768, 32_767), np.int16)


def _files() -> tuple[str, list[bytes]]:
    """Real recordings, or else our own samples: those that soundfile reads, up to the decoder's limit."""
    try:
        found = [each.path for each in recordings(folder() / "dev") if not each.headerless]
        source = "real speech"
    except NoMaterial:
        samples = Path(loanword.samples.__file__).parent
        with (samples / "manifest.csv").open(encoding="utf-8", newline="") as rows:
            found = [samples / row["file"] for row in csv.DictReader(rows)]
        source = "our own samples"
    longest_s = Settings().clip_max.total_seconds()
    return source, [file for file in (path.read_bytes() for path in found) if 0 < _duration_s(file) <= longest_s]


def _duration_s(file: bytes) -> float:
    try:
        return float(soundfile.info(io.BytesIO(file)).duration)
    except soundfile.LibsndfileError:
        return 0.0


def _beside_the_script(files: Sequence[bytes], run: Callable[[Sequence[bytes]], float]) -> Compared | None:
    if shutil.which(SCRIPT_NEEDS) is None:
        return None
    with tempfile.TemporaryDirectory(prefix="loanword-bench-") as directory:
        paths = []
        for number, file in enumerate(files):
            signal, rate_hz = soundfile.read(io.BytesIO(file), dtype="int16")
            paths.append(Path(directory, f"{number}.wav"))
            soundfile.write(paths[-1], signal, rate_hz, subtype="PCM_16")
        return by_turns(lambda: run(files), lambda: script(paths), 3)


def main() -> None:
    """All rounds, as JSON."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    source, files = _files()
    detector = load_detector("silero")
    gc.collect()
    gc.freeze()  # as a worker of the pool does
    with Decoder(deadline=timedelta(minutes=1), recordings_per_child=10**9) as decoder:
        beside_floor = by_turns(lambda: ours(files, decoder, detector), lambda: floor(files), ROUNDS)
        every = max(1, len(files) // SCRIPTS_FILES)
        some = files[::every][:SCRIPTS_FILES]
        beside_script = _beside_the_script(some, lambda which: ours(which, decoder, detector))
    minutes = sum(_duration_s(file) for file in files) / 60
    told = {
        "files": len(files),
        "minutes": minutes,
        "source": source,
        "floor": [beside_floor.ours, beside_floor.floor],
        "script": beside_script and [beside_script.ours, beside_script.floor],
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
