"""Whether wrong transcripts are found: by forced alignment alone, by another recogniser alone, and by both together."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.curation.material import Material, Recording
from benchmarks.curation.section import Cell, Section, Table
from corpus.alphabet import alphabet_for
from corpus.errors import LoanwordError
from corpus.speech.detector import load_detector
from corpus.speech.heard import Sound
from corpus.speech.hearing import load_hearing
from corpus.speech.recognisers.whisper import TINY_ENGLISH
from curation.alignment import Alignment, PocketsphinxAligner
from curation.confidence import SURE, Evidence, confidence, differing, over_others

TITLE = "Wrong transcripts found"

PROSE = (
    "Each recording's own transcript was checked, and wrong ones made from it: another recording's transcript, of the "
    "same speaker and of similar length where there is one; one word swapped for another of similar length; one word "
    "left out; one word too many.\n"
    "*Alignment* lays the words on the audio and sees how well they fit; *hearing* compares them with what Whisper "
    "tiny.en heard; *both* is the confidence that clips get.\n"
    f"A transcript whose confidence is under {SURE} is in doubt, and goes to two curators.\n"
    "A right transcript in doubt is a false alarm: it costs a curator's time, and nothing else.\n"
)

FLAWS = (
    "Words were swapped by lot, and so seldom for one that sounds alike; what Whisper misheard does, and is found less "
    "often. A second recogniser is not counted there.",
    "The references are taken for right. The telephone calls are hand-annotated, and may hold errors of their own.",
    "A word left out of the transcript is the hardest to find by alignment, since the neighbours stretch over it.",
)


class Fault(StrEnum):
    """What is wrong with a transcript."""

    NONE = "right transcripts (false alarms)"
    OTHER = "another recording's transcript"
    SWAPPED = "one word swapped"
    LEFT_OUT = "one word left out"
    TOO_MANY = "one word too many"
    NOISE = "words on noise"
    MISHEARD = "what Whisper misheard"


@dataclass(frozen=True, slots=True)
class Case:
    """One transcript of one recording, and all that was found out about it."""

    source: str
    fault: Fault
    alignment: Alignment | None
    differing: float | None
    """None where the transcript is Whisper's own, and nobody else listened."""
    over_others: float = 0.0

    def doubted(self, *, aligned: bool, heard: bool) -> bool | None:
        evidence = Evidence(
            self.alignment if aligned else None,
            was_aligned=aligned,
            differing=self.differing if heard else None,
            over_others=self.over_others if heard else 0.0,
        )
        sure = confidence(evidence)
        return None if sure is None else sure < SURE


@dataclass(frozen=True, slots=True)
class Spoken:
    """A recording with a transcript to trust, as a label."""

    recording: Recording
    label: str


def measure(material: Material) -> Section:
    found = list(cases(material))
    return Section(
        n=len(found),
        prose=PROSE,
        tables=[
            Table(
                ["transcript", "n", "in doubt by alignment, %", "by hearing, %", "by both, %"],
                [_row(fault.value, [each for each in found if each.fault is fault]) for fault in Fault],
            ),
            Table(
                ["speech from", "n", "false alarms, %", "another's transcript, %", "one word swapped, %"],
                [_by_source(source, found) for source in sorted({each.source for each in found} - {""})],
                "By both, by source:",
            ),
        ],
        flaws=FLAWS,
    )


def cases(material: Material) -> Iterator[Case]:
    """Each recording with its own transcript and four wrong ones, and each noise with somebody's words."""
    chance = random.Random(material.seed)
    spoken = list(_spoken(material))
    words = sorted({word for each in spoken for word in each.label.split()})
    aligner, hearing = PocketsphinxAligner(), load_hearing(TINY_ENGLISH, load_detector("silero"), locale="en-US")
    assert hearing is not None
    for recording, source, labels in [
        *((each.recording, each.recording.source, _labels(each, spoken, words, chance)) for each in spoken),
        *((each, "", [(Fault.NOISE, chance.choice(spoken).label)]) for each in material.noise),
    ]:
        samples = material.samples(recording)
        [[opinion]] = hearing.hear([Sound(samples, "en-US")])
        heard = _label(opinion.heard.text) or ""
        if heard and source and heard != labels[0][1]:
            labels.append((Fault.MISHEARD, heard))
        *alignments, rival = aligner.align(samples, [*(label for _, label in labels), heard])
        for (fault, label), alignment in zip(labels, alignments, strict=True):
            if fault is Fault.MISHEARD:
                yield Case(source, fault, alignment, None)
            else:
                over = over_others(alignment, [rival]) if label != heard else 0.0
                yield Case(source, fault, alignment, differing(label, [heard]), over)


def _spoken(material: Material) -> Iterator[Spoken]:
    for each in material.speech:
        if each.language == "en" and "wer" in each.tags and not each.headerless and (label := _label(each.transcript)):
            yield Spoken(each, label)


def _label(text: str) -> str | None:
    alphabet = alphabet_for("en")
    assert alphabet is not None
    try:
        return alphabet.normalise(text)
    except LoanwordError:
        return None


def _labels(
    of: Spoken, spoken: Sequence[Spoken], vocabulary: Sequence[str], chance: random.Random
) -> list[tuple[Fault, str]]:
    words = of.label.split()
    place, gap = chance.randrange(len(words)), chance.randrange(len(words) + 1)
    like = [word for word in vocabulary if word != words[place] and abs(len(word) - len(words[place])) <= 1]
    labels = [
        (Fault.NONE, words),
        (Fault.OTHER, _others(of, spoken, chance).split()),
        (Fault.SWAPPED, [*words[:place], chance.choice(like or vocabulary), *words[place + 1 :]]),
        (Fault.TOO_MANY, [*words[:gap], chance.choice(vocabulary), *words[gap:]]),
    ]
    if len(words) > 1:
        labels.append((Fault.LEFT_OUT, [*words[:place], *words[place + 1 :]]))
    return [(fault, " ".join(label)) for fault, label in labels]


def _others(of: Spoken, spoken: Sequence[Spoken], chance: random.Random) -> str:
    """The transcript nearest in length of another recording: of the same speaker, where they said anything similar."""
    others = [each for each in spoken if each.label != of.label]
    near = max(4, 0.4 * len(of.label))
    same = [
        each
        for each in others
        if each.recording.speaker == of.recording.speaker and abs(len(each.label) - len(of.label)) <= near
    ]
    return min(same or others, key=lambda each: (abs(len(each.label) - len(of.label)), chance.random())).label


def _row(name: str, of: Sequence[Case]) -> list[Cell]:
    return [
        name,
        len(of),
        _percent(of, lambda each: each.doubted(aligned=True, heard=False)),
        _percent(of, lambda each: each.doubted(aligned=False, heard=True)),
        _percent(of, lambda each: each.doubted(aligned=True, heard=True)),
    ]


def _by_source(source: str, found: Iterable[Case]) -> list[Cell]:
    of = {fault: [each for each in found if each.source == source and each.fault is fault] for fault in Fault}
    doubted = [
        _percent(of[fault], lambda each: each.doubted(aligned=True, heard=True))
        for fault in (Fault.NONE, Fault.OTHER, Fault.SWAPPED)
    ]
    return [source, len(of[Fault.NONE]), *doubted]


def _percent(of: Sequence[Case], doubted: Callable[[Case], bool | None]) -> float | None:
    answers = [answer for answer in map(doubted, of) if answer is not None]
    return round(100 * sum(answers) / len(answers), 1) if answers else None
