"""The sentences of one half: a thousand with something planted, and a thousand without."""

import random
from dataclasses import replace
from types import ModuleType

from benchmarks.curation.halves import Half
from benchmarks.curation.sentences import reported, said, tuning
from benchmarks.curation.sentences.said import Sentence
from corpus.words import PersonalKind as Kind

SHARES = {
    Kind.EMAIL: 150,
    Kind.PHONE: 200,
    Kind.CARD: 100,
    Kind.ACCOUNT: 100,
    Kind.NATIONAL_ID: 100,
    Kind.NAME: 200,
    Kind.ADDRESS: 100,
    Kind.DATE_OF_BIRTH: 50,
}
CLEAN = 1000


def material(half: Half) -> ModuleType:
    return reported if half is Half.REPORTED else tuning


def planted(half: Half, seed: int) -> list[Sentence]:
    of, lots = material(half), random.Random(f"planted {seed}")
    made = []
    for kind, many in SHARES.items():
        for place in range(many):
            templates = of.PLANTED[kind]
            it = {"it": of.MAKERS[kind](lots)}
            made.append(replace(said.filled(templates[place % len(templates)], it, of.OTHER, lots), kind=kind))
    return made


def clean(half: Half, seed: int) -> list[Sentence]:
    of, lots = material(half), random.Random(f"clean {seed}")
    return [said.filled(of.CLEAN[place % len(of.CLEAN)], {}, of.OTHER, lots) for place in range(CLEAN)]
