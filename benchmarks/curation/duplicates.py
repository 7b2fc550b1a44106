"""How many copies of a recording are found, and how often two recordings are taken for one; Chromaprint beside it."""

import json
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from benchmarks.curation import transforms
from benchmarks.curation.material import Material, Recording
from benchmarks.curation.section import Cell, Section, Table
from benchmarks.curation.transforms import Samples
from corpus.audio import wav
from corpus.errors import LoanwordError
from curation import same_recording
from curation.fingerprint import Hashes, fingerprint
from curation.near_duplicates import BUCKET_MOST, CANDIDATES, ranked

TITLE = "Copies of one recording"

PROSE = " ".join(
    [
        "Clips of 1 to 5 s, each changed in every way of the first table.",
        "A copy counts as found where its fingerprint brings up the clip among all clips of the half,",
        "and the comparison, sample by sample, says that the two are one recording.\n"
        "The second table are pairs of different recordings by one speaker: first of the same words, then of others.\n"
        "All of them are compared, whether or not a fingerprint would ever have proposed them.\n"
        "Chromaprint stands beside it: two clips are one where four fifths of the bits agree at some offset.",
        "Of a clip under 3 s it makes no fingerprint.",
    ]
)

FLAWS = [
    "Copies were made by one change at a time.",
    "A recording of a loudspeaker in another room is another recording here.",
    "Pairs whose samples, shifted, differ by less than a thousandth of their power are one recording under two names, "
    "and left out.",
]

POSITIVES, NEGATIVES = 150, 3_000
SHORTEST_S, LONGEST_S = 1.0, 5.0
QUIETEST_RMS = 100  # -50 dBFS
LEFT_OF_ONE = 1e-3
NOISES = ("speech-commands-bg", "precise-bg", "speechbrain-noise")


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A recording of the half, decoded."""

    of: Recording
    samples: Samples


def measure(material: Material) -> Section:
    heard = list(_heard(material))
    random = np.random.default_rng(material.seed)
    chosen = _spread(heard, random)
    copies = list(_copies(material, heard, chosen, random))
    pairs = _pairs(heard, random)
    index, peer = Index(heard), Chromaprint.found()
    prepared = {place: same_recording.prepare(each.samples) for place, each in enumerate(heard)}
    wrong = [same_recording.compare(prepared[one], prepared[other]).is_same for one, other, _ in pairs]
    peers_wrong = [peer is not None and peer.same(heard[one].samples, heard[other].samples) for one, other, _ in pairs]
    rows = list[Sequence[Cell]]()
    benign = Counted()
    for name in dict.fromkeys(name for name, _, _ in copies):
        some = [(place, copy) for kind, place, copy in copies if kind == name]
        found = sum(
            place in index.propose(copy)
            and same_recording.compare(prepared[place], same_recording.prepare(copy)).is_same
            for place, copy in some
        )
        peers = sum(peer.same(heard[place].samples, copy) for place, copy in some) if peer else None
        rows.append([name, len(some), _percent(found, len(some)), _percent(peers, len(some))])
        if name != HARD:
            benign = benign.plus(len(some), found, peers)
    rows.insert(-1, ["**all of these**", benign.n, _percent(benign.found, benign.n), _percent(benign.peers, benign.n)])
    head = ["copy", "n", "found, %", "Chromaprint, %"]
    kinds = [kind for _, _, kind in pairs]
    columns = [wrong, peers_wrong if peer else None]
    merged: list[Sequence[Cell]] = [
        [kind, kinds.count(kind), *(_of_kind(each, kinds, kind) if each else None for each in columns)]
        for kind in dict.fromkeys(kinds)
    ]
    merged.append(["**all**", len(pairs), *(sum(each) if each else None for each in columns)])
    missing = [] if peer else ["Chromaprint's `fpcalc` was not there to compare with (Debian: libchromaprint-tools)."]
    return Section(
        n=len(copies) + len(pairs),
        prose=PROSE,
        tables=[
            Table(head, rows),
            Table(["different recordings", "n", "taken for one", "by Chromaprint"], merged),
        ],
        flaws=[*FLAWS, *missing],
    )


HARD = "noise, 10 dB"


@dataclass(frozen=True, slots=True)
class Counted:
    """How many copies there were, and how many were found."""

    n: int = 0
    found: int = 0
    peers: int | None = 0

    def plus(self, n: int, found: int, peers: int | None) -> "Counted":
        both = None if self.peers is None or peers is None else self.peers + peers
        return Counted(self.n + n, self.found + found, both)


def _of_kind(wrong: Sequence[bool], kinds: Sequence[str], kind: str) -> int:
    return sum(each for each, of in zip(wrong, kinds, strict=True) if of == kind)


def _percent(part: int | None, whole: int) -> float | None:
    return None if part is None or not whole else round(100 * part / whole, 2)


def _heard(material: Material) -> Iterator[Heard]:
    for each in material.speech:
        if each.headerless:
            continue
        try:
            yield Heard(each, material.samples(each))
        except LoanwordError:
            continue  # damaged on purpose


def _spread(heard: Sequence[Heard], random: np.random.Generator) -> list[int]:
    """Clips of the right length, loud enough, none twice, as evenly over the sources as there are."""
    by_source, seen = defaultdict[str, list[int]](list), set[bytes]()
    for place in random.permutation(len(heard)):
        each = heard[place]
        fits = SHORTEST_S <= len(each.samples) / 16_000 <= LONGEST_S
        if fits and np.sqrt(np.square(each.samples.astype(np.float64)).mean()) > QUIETEST_RMS:
            name = each.of.dup_group.encode() or each.samples.tobytes()
            if name not in seen:
                seen.add(name)
                by_source[each.of.source].append(int(place))
    turns = [
        places[turn] for turn in range(len(heard)) for _, places in sorted(by_source.items()) if turn < len(places)
    ]
    return turns[:POSITIVES]


def _copies(
    material: Material, heard: Sequence[Heard], chosen: Sequence[int], random: np.random.Generator
) -> Iterator[tuple[str, int, Samples]]:
    """White noise on every other clip, and that of rooms and kitchens on the rest."""
    rooms = [material.samples(each) for each in material.noise if each.path.parent.name in NOISES]
    for turn, place in enumerate(chosen):
        samples = heard[place].samples
        noise: NDArray[np.float64] = random.normal(0, 1, len(samples))
        if turn % 2 and rooms:
            room = rooms[int(random.integers(len(rooms)))].astype(np.float64)
            noise = np.resize(np.roll(room, int(random.integers(len(room)))), len(samples))
        for name, make in transforms.benign(samples, noise, random).items():
            yield name, place, make()
        yield HARD, place, transforms.noisy(samples, noise, 10)


def _pairs(heard: Sequence[Heard], random: np.random.Generator) -> list[tuple[int, int, str]]:
    """Different recordings by one speaker: all of the same words, then others by lot."""
    of_speaker = defaultdict[str, list[int]](list)
    for place, each in enumerate(heard):
        of_speaker[each.of.speaker].append(place)
    same, others = list[tuple[int, int, str]](), list[tuple[int, int, str]]()
    for places in of_speaker.values():
        for one, other in combinations(places, 2):
            words = [re.sub(r"\W", "", heard[place].of.transcript.casefold()) for place in (one, other)]
            kind = "one speaker, the same words" if words[0] and words[0] == words[1] else "one speaker, other words"
            (same if kind.endswith("the same words") else others).append((one, other, kind))
    random.shuffle(same)
    random.shuffle(others)
    found = list[tuple[int, int, str]]()
    for one, other, kind in [*same, *others]:
        if len(found) == NEGATIVES:
            break
        groups = {heard[one].of.dup_group, heard[other].of.dup_group} - {""}
        if len(groups) != 1 and not _are_one(heard[one].samples, heard[other].samples):
            found.append((one, other, kind))
    return found


def _are_one(one: Samples, other: Samples) -> bool:
    """Whether they differ by less than a thousandth of their power where they correlate best: a cut, and rounding."""
    left, right = one.astype(np.float64), other.astype(np.float64)
    size = 1 << (len(left) + len(right)).bit_length()
    lag = int(np.fft.irfft(np.fft.rfft(left, size) * np.conj(np.fft.rfft(right, size)), size).argmax())
    lag = lag - size if lag > size // 2 else lag
    left, right = left[max(0, lag) :], right[max(0, -lag) :]
    left, right = left[: len(right)], right[: len(left)]
    power = float(left @ left)
    return power > 0 and float(np.square(left - right).sum()) < LEFT_OF_ONE * power


class Index:
    """The buckets of all clips, in memory, bounded as those of the database are."""

    def __init__(self, heard: Sequence[Heard]) -> None:
        self._stands = defaultdict[int, list[tuple[int, int]]](list)
        for place, each in enumerate(heard):
            for value, tick in _of(fingerprint(each.samples).kept).items():
                self._stands[value].append((place, tick))

    def propose(self, samples: Samples) -> list[int]:
        asked = _of(fingerprint(samples).asked)
        hits = [(value, *stands) for value in asked for stands in self._stands.get(value, [])[:BUCKET_MOST]]
        return ranked(asked, hits)[:CANDIDATES]


def _of(hashes: Hashes) -> dict[int, int]:
    return dict(zip(hashes.values.tolist(), hashes.ticks.tolist(), strict=True))


class Chromaprint:
    """`fpcalc`, and the share of equal bits of two of its fingerprints at the best offset."""

    LEAST_SHARED = 3  # words of an eighth of a second, each of which hears 2.6 s
    ALIKE = 0.8  # of all bits: unlike music differs in half of them

    def __init__(self, program: str) -> None:
        self._program = program
        self._known: dict[bytes, NDArray[np.uint32]] = {}

    @classmethod
    def found(cls) -> "Chromaprint | None":
        program = shutil.which("fpcalc")
        return cls(program) if program else None

    def same(self, one: Samples, other: Samples) -> bool:
        return self._likeness(one, other) >= self.ALIKE

    def _likeness(self, one: Samples, other: Samples) -> float:
        short, long = sorted([self._words(one), self._words(other)], key=len)
        best = 0.0
        for offset in range(self.LEAST_SHARED - len(short), len(long) - self.LEAST_SHARED + 1):
            some = short[max(0, -offset) : len(long) - offset]
            beside = long[max(0, offset) : max(0, offset) + len(some)]
            if len(some) >= self.LEAST_SHARED:
                best = max(best, 1 - int(np.bitwise_count(some ^ beside).sum()) / (32 * len(some)))
        return best

    def _words(self, samples: Samples) -> NDArray[np.uint32]:
        key = samples.tobytes()
        if key not in self._known:
            asked = [self._program, "-raw", "-json", "-"]
            answer = subprocess.run(asked, input=wav(key), capture_output=True, check=False)
            # It says that it met the end of the file, and has the fingerprint all the same: none of a short clip.
            words = json.loads(answer.stdout)["fingerprint"] if answer.stdout else []
            self._known[key] = np.array(words, dtype=np.int64).astype(np.uint32)
        return self._known[key]
