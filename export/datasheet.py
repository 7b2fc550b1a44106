"""The papers of a release, for people: README.md, datasheet.html and LICENSE. Pure but for the templates it reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from corpus.words import Split
from export.counts import Counted, ReleaseWarning, total
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
        "left_out": [
            (count, REASONS.get(LeftOut(reason), reason)) for reason, count in sorted(subject.left_out.items())
        ],
    }
    return {
        "README.md": templates.get_template("README.md").render(facts),
        "datasheet.html": templates.get_template("datasheet.html").render(facts),
        "LICENSE": subject.policy.licence_text.rstrip() + "\n",
    }
