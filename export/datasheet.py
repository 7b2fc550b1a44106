"""The papers of a release, for people: README.md, datasheet.html and LICENSE. Pure but for the templates it reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from corpus.words import Split
from export.counts import Counted, ReleaseWarning, total
from export.disguise import Disguise, Figures
from export.manifest import LeftOut
from export.policy import Policy
from export.release_file import format_time

REASONS = {
    LeftOut.ANOTHER_LOCALE: "spoken in another locale",
    LeftOut.EMPTY_TRANSCRIPT: "nothing left of the transcript once it was normalised",
    LeftOut.OUTSIDE_ALPHABET: "a transcript with characters outside the alphabet",
    LeftOut.TOO_SHORT: "shorter than the policy allows",
    LeftOut.TOO_LONG: "longer than the policy allows",
    LeftOut.TOO_FAST: "a transcript with more characters than the audio has feature frames, which would abort training",
}

EQUAL_ERROR_RATES = {
    "undisguised": "Equal error rate, voices as they were",
    "ignorant": "Equal error rate, ignorant attacker",
    "lazy_informed": "Equal error rate, lazy-informed attacker",
    "semi_informed": "Equal error rate, semi-informed attacker",
}
WORD_ERROR_RATES = {"before": "Word error rate before the disguise", "after": "Word error rate after it"}
NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Subject:
    """What the papers are about."""

    name: str
    version: str
    snapshot_at: datetime
    generator: str
    policy: Policy
    counts: Mapping[Split, Counted]
    left_out: Mapping[str, int]
    warnings: Sequence[ReleaseWarning]


def papers(subject: Subject) -> dict[str, str]:
    """The files, by name."""
    templates = Environment(
        loader=PackageLoader("export"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    facts = {
        "subject": subject,
        "policy": subject.policy,
        "snapshot_at": format_time(subject.snapshot_at),
        "total": total(subject.counts),
        "disguise": _told(subject.policy.disguise) if subject.policy.disguise else None,
        "left_out": [
            (count, REASONS.get(LeftOut(reason), reason)) for reason, count in sorted(subject.left_out.items())
        ],
    }
    return {
        "README.md": templates.get_template("README.md").render(facts),
        "datasheet.html": templates.get_template("datasheet.html").render(facts),
        "LICENSE": subject.policy.licence_text.rstrip() + "\n",
    }


def _told(disguise: Disguise) -> dict[str, object]:
    """A disguise in words, with every figure that there is of it, and `NOT_MEASURED` in the place of each other."""
    measured = disguise.figures
    return {
        "how": "McAdams coefficient (arXiv 2011.01130, second baseline of the VoicePrivacy challenges)",
        "drawn": f"from {disguise.alpha_from:g} to {disguise.alpha_to:g}, one for each {disguise.per.value}",
        "figures": [
            *rates(EQUAL_ERROR_RATES, measured and measured.attacks),
            *rates(WORD_ERROR_RATES, measured and measured.words),
        ],
        "sources": sources(measured) if measured else [],
    }


def rates(words_of: Mapping[str, str], measured: object) -> list[tuple[str, str]]:
    return [
        (words, NOT_MEASURED if measured is None else f"{100 * getattr(measured, name):.1f} %")
        for name, words in words_of.items()
    ]


def sources(measured: Figures) -> list[str]:
    """By what the figures were measured, and over how much."""
    told = []
    if attacks := measured.attacks:
        told.append(
            f"Equal error rates: {attacks.speakers} speakers, {attacks.same_voice:,} comparisons of one voice and "
            f"{attacks.two_voices:,} of two, each in {attacks.draws} draws of coefficients, by {attacks.encoder}."
        )
    if words := measured.words:
        told.append(f"Word error rates: {words.words:,} words in {words.clips:,} clips, heard by {words.recogniser}.")
    if told:
        told.append(f"Measured on {measured.measured_on}, not on this release but on {measured.recordings}.")
    return told
