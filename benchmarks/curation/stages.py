"""What the stages drop, of speech and of noise, and how far two measures are from what is known."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from benchmarks.curation.material import Material, Recording
from benchmarks.curation.section import Cell, Section, Table
from corpus.errors import Undecodable
from corpus.speech.detector import load_detector
from curation import pipeline
from curation.examine import listeners, measured_and_heard
from curation.measure import Samples, measure_batch, trim_batch
from curation.measurements import Measurements
from curation.verdict import DropReason

TITLE = "What the stages keep and drop"

PROSE = """\
Every recording was trimmed, measured and judged as a worker does it, with the speech detector.
Of speech, what is dropped for any reason but its length should be little, and should deserve it.
Of noise (baby cries, room tone, taps, beeps, impulse responses), what is kept is left for a person to reject.
"""

BATCH = 32
LONGEST_SAMPLES = 20 * 16_000
CLEAN_DB, CLEAN_CLIPS = 35.0, 60
CODECS_8_KHZ, SOURCE_8_KHZ = ("ulaw", "alaw", "gsm610"), "free-spoken-digit-dataset"
REASONS = [reason for reason in DropReason if reason not in (DropReason.DUPLICATE, DropReason.SHARED_ACROSS_ACCOUNTS)]

Judged = tuple[Samples, Measurements, DropReason | None]


def measure(material: Material) -> Section:
    speech, noise = _judged(material, material.speech), _judged(material, material.noise)
    by_source: defaultdict[str, list[Judged]] = defaultdict(list)
    for recording, judged in zip(material.speech, speech, strict=True):
        if judged is not None:
            by_source[recording.source].append(judged)
    decoded = [each for each in speech if each]
    head = ["n", "kept", *(reason.value for reason in REASONS)]
    return Section(
        n=len(decoded) + sum(each is not None for each in noise),
        prose=PROSE,
        tables=[
            Table(
                ["of", *head],
                [_row("speech", decoded), _row("noise", [each for each in noise if each])],
            ),
            Table(["speech from", *head], [_row(source, by_source[source]) for source in sorted(by_source)]),
            Table(
                [
                    "white noise added, dB below the voice",
                    "n",
                    "SNR measured, median",
                    "5 %",
                    "95 %",
                    "dropped as noisy",
                ],
                _noisy(decoded, material.seed),
                caption="On clean recordings; the voice's level is that of its frames within 10 dB of the mean.",
            ),
            Table(
                ["recorded at", "n", "bandwidth_hz, median", "least", "most"],
                _bandwidths(material.speech, speech),
                caption="Of speech that is kept. Decoded, all of it has 16,000 samples a second.",
            ),
        ],
        flaws=["The noise is short and mostly babies: it is no sample of what a kitchen's device hears by mistake."],
    )


def _judged(material: Material, recordings: Sequence[Recording]) -> list[Judged | None]:
    """None where nothing says what the file is."""
    detector = load_detector("silero")
    decoded: list[Samples | None] = []
    for each in recordings:
        try:
            decoded.append(material.samples(each))
        except Undecodable:
            decoded.append(None)
    found: list[Judged | None] = []
    for start in range(0, len(decoded), BATCH):
        batch = decoded[start : start + BATCH]
        whole = [samples[:LONGEST_SAMPLES] for samples in batch if samples is not None]
        cut = [len(samples) > LONGEST_SAMPLES for samples in batch if samples is not None]
        clips = [clip[trim.start : len(clip) - trim.end] for clip, trim in zip(whole, trim_batch(whole), strict=True)]
        measured = measured_and_heard(clips, cut, listeners(detector), pipeline.STAGES)
        reasons = [pipeline.drop_reason(pipeline.run(pipeline.STAGES, each)) for each in measured]
        answers = iter(zip(clips, measured, reasons, strict=True))
        found += [None if samples is None else next(answers) for samples in batch]
    return found


def _row(name: str, judged: Sequence[Judged]) -> list[Cell]:
    reasons = [reason for _, _, reason in judged]
    return [name, len(judged), reasons.count(None), *(reasons.count(reason) for reason in REASONS)]


def _noisy(speech: Sequence[Judged], seed: int) -> list[list[Cell]]:
    rng = np.random.default_rng(seed)
    clean = [clip for clip, of, reason in speech if reason is None and (of.snr_db or 0) > CLEAN_DB][:CLEAN_CLIPS]
    rows: list[list[Cell]] = []
    for added_db in (0, 5, 10, 20, 30):
        measured = measure_batch([_with_noise(clip, added_db, rng) for clip in clean])
        found = [of.snr_db for of in measured if of.snr_db is not None]
        dropped = [pipeline.drop_reason(pipeline.run(pipeline.STAGES, of)) for of in measured]
        low, middle, high = (round(float(np.percentile(found, at)), 1) for at in (5, 50, 95))
        rows.append([added_db, len(clean), middle, low, high, dropped.count(DropReason.TOO_NOISY)])
    return rows


def _with_noise(clip: Samples, added_db: float, rng: np.random.Generator) -> Samples:
    frames = np.square(clip[: len(clip) // 320 * 320].reshape(-1, 320).astype(np.float64)).mean(axis=1)
    voice = frames[frames > frames.mean() / 10].mean()
    noisy = clip + rng.normal(0, np.sqrt(voice / 10 ** (added_db / 10)), len(clip))
    return np.asarray(np.rint(noisy * min(1.0, 32_000 / np.abs(noisy).max())), np.int16)


def _bandwidths(recordings: Sequence[Recording], judged: Sequence[Judged | None]) -> list[list[Cell]]:
    groups: dict[str, list[float]] = {"8 kHz": [], "16 kHz or more": []}
    for recording, each in zip(recordings, judged, strict=True):
        if each and each[2] is None and each[1].bandwidth_hz is not None:
            at_8_khz = recording.codec.lower() in CODECS_8_KHZ or SOURCE_8_KHZ in recording.source
            groups["8 kHz" if at_8_khz else "16 kHz or more"].append(each[1].bandwidth_hz)
    return [
        [name, len(found), float(np.median(found)), min(found), max(found)] for name, found in groups.items() if found
    ]
