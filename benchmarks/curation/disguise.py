"""How far the disguise of voices goes: what `loanword evaluate disguise` measures, on the recorded speech."""

from benchmarks.curation.material import Material, Recording
from benchmarks.curation.section import Cell, N, Section, Table
from corpus.speech.detector import load_detector
from corpus.speech.hearing import load_hearing
from corpus.speech.recognisers.whisper import TINY_ENGLISH
from export.datasheet import EQUAL_ERROR_RATES
from export.disguise import Attacks, Disguise, Method, Per, WordErrors
from loanword.evaluation.disguise import measure_attacks, measure_words
from loanword.evaluation.encoders import Encoder, Statistics, load_encoder
from loanword.evaluation.voices import LONGEST_SAMPLES, Said

TITLE = "Disguised voices"

PROSE = """\
A release may disguise its voices by the McAdams coefficient, drawn from 0.5 to 0.9 for each clip or each speaker.
An equal error rate (EER) says how often a program is wrong about whether one person said two recordings.
50 % is a coin's, and the nearer an attacker's rate is to that of the voices as they were, the less the disguise does.
The ignorant attacker has undisguised recordings of the people they look for, and the lazy-informed one disguises those.
The semi-informed attacker does so several times, and has trained on disguised recordings of other people.
Voices are compared within one source, by a back end that never heard either of the two.
"""

FLAWS = [
    "The semi-informed attacker trains a linear back end, and no encoder: whoever trains one on disguised speech does "
    "better. VoicePrivacy 2024 found 4.5 % for that attacker on this method, beside 4.6 % undisguised.",
    "With a few dozen speakers an equal error rate is good to a few points.",
]
ONLY_CLASSICAL = (
    "Only the classical encoder was there, which is weak: compare its rates with its own rate on undisguised voices."
)

KINDS_OF_SPEAKER = ("source-id", "pseudonym", "voice match only")
"""Those that the source itself tells apart."""

WORDS_ON = 60


def measure(material: Material) -> Section:
    """By Resemblyzer's encoder where its weights are installed, and beside it by the classical one."""
    said = [_said(material, each) for each in material.speech if _is_usable(each)]
    best, disguises = load_encoder(None), [Disguise(method=Method.MCADAMS, per=per) for per in Per]
    compared: list[tuple[Disguise, Encoder]] = [(each, best) for each in disguises]
    if not isinstance(best, Statistics):
        compared.append((disguises[-1], Statistics()))
    attacks = [(each, measure_attacks(said, each, encoder, material.seed, _quietly)) for each, encoder in compared]
    words = _words(material, disguises[-1])
    tables = [
        Table(
            ["compared by", "disguised per", "speakers", N, "of two voices", *_HEADS],
            [_row(*each) for each in attacks],
            caption="n is of comparisons of one voice with itself; those of two voices stand beside it.",
        )
    ]
    if words:
        tables.append(_word_table(words))
    return Section(
        n=sum(of.same_voice + of.two_voices for _, of in attacks),
        prose=PROSE,
        tables=tables,
        flaws=[*FLAWS, *([ONLY_CLASSICAL] if isinstance(best, Statistics) else [])],
    )


_HEADS = [words.removeprefix("Equal error rate, ") + ", %" for words in EQUAL_ERROR_RATES.values()]


def _is_usable(each: Recording) -> bool:
    known = any(kind in each.speaker_kind for kind in KINDS_OF_SPEAKER)
    return known and each.language == "en" and not each.headerless


def _said(material: Material, each: Recording) -> Said:
    return Said(each.speaker, each.source, material.samples(each)[:LONGEST_SAMPLES], each.transcript)


def _words(material: Material, disguise: Disguise) -> WordErrors | None:
    hearing = load_hearing(TINY_ENGLISH, load_detector("silero"), locale="en-US")
    assert hearing is not None
    spoken = [each for each in material.speech if "wer" in each.tags and _is_usable(each)]
    said = [_said(material, each) for each in spoken]
    return measure_words(said, disguise, hearing, "en-US", material.seed, _quietly, WORDS_ON)


def _row(disguise: Disguise, attacks: Attacks) -> list[Cell]:
    shares = [getattr(attacks, name) for name in EQUAL_ERROR_RATES]
    counts: list[Cell] = [attacks.speakers, attacks.same_voice, attacks.two_voices]
    return [attacks.encoder, disguise.per.value, *counts, *(round(100 * share, 1) for share in shares)]


def _word_table(words: WordErrors) -> Table:
    counts: list[Cell] = [words.recogniser, words.clips, words.words]
    return Table(
        ["heard by", "clips", N, "word errors before, %", "after, %"],
        [[*counts, round(100 * words.before, 1), round(100 * words.after, 1)]],
        caption="n is of words.",
    )


def _quietly(_done: int, _all: int) -> None:
    """The section as a whole is what one waits for."""
