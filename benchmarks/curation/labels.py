"""How well recognisers hear: words wrong by source, clean and in noise, and what they hear where nobody speaks."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import jiwer
import numpy as np
from numpy.typing import NDArray

from benchmarks.curation.material import Material, Recording
from benchmarks.curation.section import Cell, Section, Table
from corpus.alphabet import alphabet_of
from corpus.audio import RATE_HZ
from corpus.errors import EmptyTranscript, OutsideAlphabet, Undecodable
from corpus.speech.detector import load_detector
from corpus.speech.hallucination import believed
from corpus.speech.heard import Heard, Recogniser, Sound
from corpus.speech.hearing import Hearing, load_hearing

TITLE = "What recognisers hear"

PROSE = """\
Each recording with a trustworthy English text was put before the default recogniser (`tiny.en`) and before the second \
opinion (`moonshine`), as a worker does it: behind the speech gate, and with the guard against made-up words.
Texts of both sides were brought into the alphabet by the same rules, numbers in words, before they were compared.
WER is the share of words that were wrong, left out or put in, over all words of a source together.
In noise means: kitchen and room noise mixed in at that many dB below the recording's own level.
"""

RECOGNISERS = "tiny.en, moonshine"
SOURCES = (
    ("LibriSpeech, read", "LibriSpeech"),
    ("WUW-II, telephone, spontaneous", "wuw-corpus-ii"),
    ("Asterisk, prompts", "asterisk-core-sounds-en"),
    ("others", ""),
)
"""Names, and what the manifest's source holds; the first that fits."""
SNRS_DB = (None, 20.0, 10.0)
"""None: as it was recorded."""
LONGEST_SAMPLES = 20 * RATE_HZ
"""No longer clip reaches a recogniser."""

Samples = NDArray[np.int16]
Scored = tuple[str, str]
"""What was said, and what was heard."""


def measure(material: Material) -> Section:
    hearing = load_hearing(RECOGNISERS, load_detector("silero"), locale="en-US")
    assert hearing is not None
    noises = _decoded(material, (each for each in material.noise if "rir" not in each.tags))
    beds = [
        samples
        for each, samples in zip(material.noise, _decoded(material, material.noise), strict=True)
        if samples is not None and {"home", "room-tone"} & each.tags and len(samples) >= 16_000
    ]
    said = [(each, text) for each in material.speech if (text := _text(each))]
    clips = [
        (each, text, samples)
        for (each, text), samples in zip(said, _decoded(material, (each for each, _ in said)), strict=True)
        if samples is not None
    ]
    heard = {snr: _heard(hearing, clips, beds, snr, material.seed) for snr in SNRS_DB}
    noise = [samples[:LONGEST_SAMPLES] for samples in noises if samples is not None and len(samples)]
    return Section(
        n=len(clips) + len(noise),
        prose=PROSE,
        tables=[
            Table(
                ["recogniser", "of", "n", "words", "WER, %", "WER at 20 dB, %", "WER at 10 dB, %", "empty"],
                [row for each in hearing.recognisers for row in _rows(each.name, clips, heard)],
            ),
            Table(
                ["recogniser", "n", "heard words", "behind the gate", "and with the guard"],
                [_made_up(hearing, each, noise) for each in hearing.recognisers],
                caption="Recordings in which nobody speaks, and in how many of them a recogniser hears words.",
            ),
        ],
        flaws=[
            "Both recognisers may have been trained on LibriSpeech, so that its figures flatter them.",
            "There is one studio voice in the prompts, and no recording of a real command to a device with its text.",
        ],
    )


def _text(of: Recording) -> str | None:
    """What is said, as a label; None where no trustworthy text is known."""
    if "wer" not in of.tags or of.language != "en":
        return None
    return _label(of.transcript) or None


def _label(text: str) -> str:
    """As a label; empty where no label can be made of it."""
    try:
        return alphabet_of("en").normalise(text)
    except (EmptyTranscript, OutsideAlphabet):
        return ""


def _decoded(material: Material, recordings: Iterable[Recording]) -> list[Samples | None]:
    decoded: list[Samples | None] = []
    for each in recordings:
        try:
            decoded.append(material.samples(each))
        except Undecodable:
            decoded.append(None)
    return decoded


def mixed(clip: Samples, noise: Samples, snr_db: float, rng: np.random.Generator) -> Samples:
    """The clip with a piece of the noise, `snr_db` below it in mean power; made softer as a whole where it clips."""
    start = int(rng.integers(len(noise)))
    bed = np.take(noise, range(start, start + len(clip)), mode="wrap").astype(np.float64)
    signal = clip.astype(np.float64)
    wanted = np.square(signal).mean() / 10 ** (snr_db / 10)
    both = signal + bed * np.sqrt(wanted / max(np.square(bed).mean(), 1e-9))
    return np.asarray(np.rint(both * min(1.0, 32_767 / max(np.abs(both).max(), 1.0))), np.int16)


def _heard(
    hearing: Hearing,
    clips: Sequence[tuple[Recording, str, Samples]],
    beds: Sequence[Samples],
    snr: float | None,
    seed: int,
) -> dict[str, list[str]]:
    """By recogniser, the labels in the clips' order."""
    rng = np.random.default_rng(seed)
    sounds = [
        samples if snr is None else mixed(samples, beds[int(rng.integers(len(beds)))], snr, rng)
        for _, _, samples in clips
    ]
    labels: defaultdict[str, list[str]] = defaultdict(list)
    for opinions in hearing.hear([Sound(samples, "en-US") for samples in sounds]):
        for opinion in opinions:
            labels[opinion.recogniser].append(_label(opinion.heard.text))
    return labels


def _rows(
    name: str,
    clips: Sequence[tuple[Recording, str, Samples]],
    heard: Mapping[float | None, Mapping[str, Sequence[str]]],
) -> list[list[Cell]]:
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for at, (recording, _, _) in enumerate(clips):
        groups[next(title for title, part in SOURCES if part in recording.source)].append(at)
    groups["**all**"] = list(range(len(clips)))
    rows: list[list[Cell]] = []
    for title in (*(title for title, _ in SOURCES if title in groups), "**all**"):
        said = [clips[at][1] for at in groups[title]]
        answers = [[heard[snr][name][at] for at in groups[title]] for snr in SNRS_DB]
        words = sum(len(each.split()) for each in said)
        errors = [_error_rate(said, each) for each in answers]
        rows.append([name, title, len(said), words, *errors, sum(not each for each in answers[0])])
    return rows


def _error_rate(said: Sequence[str], heard: Sequence[str]) -> float | None:
    """In per cent of all the words."""
    return round(100 * jiwer.wer(list(said), list(heard)), 1) if said else None


def _made_up(hearing: Hearing, recogniser: Recogniser, noise: Sequence[Samples]) -> list[Cell]:
    """In how many there are words: by the recogniser alone, behind the gate, and with the guard."""
    sounds = [Sound(samples, "en-US") for samples in noise]
    alone = recogniser.hear(sounds)
    behind = [at for at, passes in enumerate(hearing.speech_in(sounds)) if passes]
    guarded = [believed(alone[at], len(noise[at]) / RATE_HZ) for at in behind]
    return [recogniser.name, len(noise), *(_with_words(of) for of in (alone, [alone[at] for at in behind], guarded))]


def _with_words(heard: Sequence[Heard]) -> int:
    return sum(bool(_label(each.text)) for each in heard)
