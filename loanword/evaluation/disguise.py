"""Measures a disguise on recordings: equal error rates of three attackers, and word errors before and after.

The attackers are those of the VoicePrivacy challenges (Tomashenko et al. 2022), as far as a laptop goes. Each compares
what was released, disguised under one key, with other recordings of people they know: as they were (ignorant), or
disguised once by the attacker under a key of their own (lazy-informed), or several times (semi-informed). A back end
over a fixed encoder is trained on other people's recordings: undisguised, or, by the semi-informed attacker, disguised.
Nobody here trains the encoder itself. Whoever does will tell more voices apart; VoicePrivacy 2024 found 4.5 % for such
an attacker on this method, beside 4.6 % undisguised.
"""

import hmac
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from corpus.alphabet import Alphabet, alphabet_for
from corpus.errors import BadRequest, EmptyTranscript, OutsideAlphabet
from corpus.speech.disguise import mcadams
from corpus.speech.heard import Sound
from corpus.speech.hearing import Hearing
from export.disguise import Attacks, Disguise, Per, WordErrors, drawn
from loanword.evaluation.encoders import Encoder
from loanword.evaluation.verification import BackEnd, equal_error_rate
from loanword.evaluation.voices import LONGEST_SAMPLES, Said, Voice, voices
from loanword.evaluation.words import word_errors

FOLDS = 3
"""A back end never hears who it is tried on: it is trained on the other folds' speakers."""

RELEASE_DRAWS, ATTACKER_DRAWS = 5, 3
"""Keys that recordings are released under, and that an attacker disguises them under: one draw alone is luck.

On 64 real speakers, two seeds with three of each were 1.6 points apart for the ignorant attacker, 3.9 for the informed.
"""

FEWEST_VOICES = 2 * FOLDS
"""Of one group: then each fold has two that can be compared."""

SHRINKAGE = 0.5
"""Of the back end's covariance: chosen on the tuning half of docs/curation.md's speakers."""

Floats = NDArray[np.float64]
Samples = NDArray[np.int16]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class _Draws:
    """Disguises under keys of the evaluation's own: no release's, and so nobody's secret."""

    disguise: Disguise
    seed: int

    def __call__(self, samples: Samples, who: str, speaker: str, piece: int) -> Samples:
        subject = speaker if self.disguise.per is Per.SPEAKER else f"{speaker}/{piece}"
        digest = hmac.digest(f"{self.seed}/{who}".encode(), subject.encode(), "sha256").hex()
        return mcadams(samples, drawn(self.disguise, digest))


@dataclass(frozen=True, slots=True)
class _Heard:
    """Embeddings of a voice, (pieces, dimensions) each: as it was, and in each draw of the release and the attacker."""

    plain: Sequence[Floats]
    released: Sequence[Floats]
    attackers: Sequence[Floats]


def measure_attacks(
    recordings: Sequence[Said], disguise: Disguise, encoder: Encoder, seed: int, on_progress: Progress
) -> Attacks:
    """Of the voices whose group has enough of them. Raises `BadRequest` where no group has."""
    enough = voices(recordings)
    sizes = Counter(voice.group for voice in enough)
    found = [voice for voice in enough if sizes[voice.group] >= FEWEST_VOICES]
    if not found:
        raise BadRequest(
            f"{max(sizes.values(), default=0)} speakers of one source have two recordings of a second or more, or one "
            f"of six: {FEWEST_VOICES} are needed to compare voices."
        )
    draws, heard = _Draws(disguise, seed), []
    for done, voice in enumerate(found):
        on_progress(done, len(found))
        heard.append(_hear(voice, draws, encoder))
    on_progress(len(found), len(found))
    scores = _compare(found, heard)
    one_voice, two_voices = scores["undisguised"]
    return Attacks(
        encoder=encoder.name,
        speakers=len(found),
        draws=RELEASE_DRAWS,
        same_voice=len(one_voice),
        two_voices=len(two_voices),
        **{attacker: equal_error_rate(*of) for attacker, of in scores.items()},
    )


def _hear(voice: Voice, draws: _Draws, encoder: Encoder) -> _Heard:
    def embedded(who: str | None) -> Floats:
        pieces = enumerate(voice.pieces)
        speaker = f"{voice.group}/{voice.speaker}"
        return np.stack([encoder.embed(draws(said, who, speaker, at) if who else said) for at, said in pieces])

    released = [embedded(f"release {draw}") for draw in range(RELEASE_DRAWS)]
    return _Heard([embedded(None)], released, [embedded(f"attacker {draw}") for draw in range(ATTACKER_DRAWS)])


def _compare(found: Sequence[Voice], heard: Sequence[_Heard]) -> dict[str, tuple[Floats, Floats]]:
    """By attacker: the scores of one voice with itself, and of two with one another."""
    fold_of = _folds(found)
    return {name: _scores(attacker, found, heard, fold_of) for name, attacker in ATTACKERS.items()}


def _folds(found: Sequence[Voice]) -> list[int]:
    """Each group's voices by turns."""
    met: Counter[str] = Counter()
    folds = []
    for voice in found:
        folds.append(met[voice.group] % FOLDS)
        met[voice.group] += 1
    return folds


def _scores(
    attacker: "_Attacker", found: Sequence[Voice], heard: Sequence[_Heard], fold_of: Sequence[int]
) -> tuple[Floats, Floats]:
    one: list[float] = []
    two: list[float] = []
    for fold in range(FOLDS):
        back_end = _trained([attacker.learns_from(heard[at]) for at, of in enumerate(fold_of) if of != fold])
        members = [at for at, of in enumerate(fold_of) if of == fold]
        known = np.stack([_enrolled(attacker.knows(heard[at]), found[at]) for at in members])
        for at in members:
            tried = np.concatenate([draw[found[at].enrolled :] for draw in attacker.meets(heard[at])])
            scores = dict(zip(members, back_end.scores(known, tried), strict=True))
            one += scores[at].tolist()
            others = (other for other in members if other != at and found[other].group == found[at].group)
            two += [score for other in others for score in scores[other].tolist()]
    return np.array(one), np.array(two)


def _enrolled(known: Sequence[Floats], voice: Voice) -> Floats:
    """The mean of all that an attacker has of a voice."""
    mean: Floats = np.concatenate([draw[: voice.enrolled] for draw in known]).mean(0)
    return mean


def _trained(voices_heard: Sequence[Sequence[Floats]]) -> BackEnd:
    """From the embeddings of each voice, in one or several disguises."""
    stacked = [np.concatenate(list(each)) for each in voices_heard]
    return BackEnd.train(np.concatenate(stacked), [at for at, each in enumerate(stacked) for _ in each], SHRINKAGE)


@dataclass(frozen=True, slots=True)
class _Attacker:
    """What one has of the people they know, what of others to learn from, and what they try to tell whose it is."""

    knows: Callable[[_Heard], Sequence[Floats]]
    learns_from: Callable[[_Heard], Sequence[Floats]]
    meets: Callable[[_Heard], Sequence[Floats]]


ATTACKERS = {
    "undisguised": _Attacker(lambda of: of.plain, lambda of: of.plain, lambda of: of.plain),
    "ignorant": _Attacker(lambda of: of.plain, lambda of: of.plain, lambda of: of.released),
    "lazy_informed": _Attacker(lambda of: of.attackers[:1], lambda of: of.plain, lambda of: of.released),
    "semi_informed": _Attacker(lambda of: of.attackers, lambda of: of.attackers, lambda of: of.released),
}


def measure_words(
    recordings: Sequence[Said],
    disguise: Disguise,
    hearing: Hearing,
    locale: str,
    seed: int,
    on_progress: Progress,
    at_most: int,
) -> WordErrors | None:
    """Of the first recogniser that speaks the locale, on at most so many recordings, drawn by lot.

    None where there is none, or no recording with a transcript that the language's alphabet can spell.
    """
    recogniser = next((each for each in hearing.recognisers if each.speaks(locale)), None)
    alphabet = alphabet_for(locale)
    if recogniser is None or alphabet is None:
        return None
    one = replace(hearing, recognisers=(recogniser,))
    draws, before, after, words = _Draws(disguise, seed), 0, 0, 0
    chosen = _chosen(recordings, alphabet, seed, at_most)
    for done, (at, said, label) in enumerate(chosen):
        on_progress(done, len(chosen))
        plain, disguised = said.samples, draws(said.samples, "release 0", f"{said.group}/{said.speaker}", at)
        opinions = one.hear([Sound(plain, locale), Sound(disguised, locale)])
        heard = [_words(opinion.heard.text, alphabet) for [opinion] in opinions]
        words += len(label)
        before += word_errors(label, heard[0])
        after += word_errors(label, heard[1])
    on_progress(len(chosen), len(chosen))
    if not chosen:
        return None
    return WordErrors(
        recogniser=recogniser.name, clips=len(chosen), words=words, before=before / words, after=after / words
    )


def _chosen(
    recordings: Sequence[Said], alphabet: Alphabet, seed: int, at_most: int
) -> list[tuple[int, Said, list[str]]]:
    """Place, recording and words."""
    spelled = []
    for at, said in enumerate(recordings):
        try:
            label = alphabet.normalise(said.transcript).split()
        except (EmptyTranscript, OutsideAlphabet):
            continue
        if len(said.samples) <= LONGEST_SAMPLES:
            spelled.append((at, said, label))
    spelled.sort(key=lambda each: hmac.digest(f"{seed}/words".encode(), str(each[0]).encode(), "sha256"))
    return spelled[:at_most]


def _words(text: str, alphabet: Alphabet) -> list[str]:
    """What a recogniser heard; as it stands where the alphabet cannot spell it."""
    try:
        return alphabet.normalise(text).split()
    except EmptyTranscript:
        return []
    except OutsideAlphabet:
        return text.lower().split()
