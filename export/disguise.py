"""How a release disguises its voices: what a policy asks for, the figures that stand beside it, and each coefficient.

A coefficient is drawn under a key that only the speaker's voice key and this release make. It is published nowhere and
kept nowhere, and once the voice key is destroyed nobody can draw it again. The published seed has no part in it. Pure.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import ConfigDict, Field, TypeAdapter

from corpus.errors import BadPolicy
from corpus.speech import disguise as voices

ALPHA_LABEL = "release disguise"

LOWEST_ALPHA, HIGHEST_ALPHA = 0.4, 0.95
"""Below, words are lost; above, hardly anything is moved. VoicePrivacy's second baseline draws from 0.5 to 0.9."""

NARROWEST_RANGE = 0.1
"""A policy is published: a range with one coefficient in it would tell everybody how to undo the disguise."""

_DRAW_DIGITS = 13
"""Of 64 hexadecimal ones: as many as a float holds without rounding."""

Share = Annotated[float, Field(ge=0, le=1)]


class Method(StrEnum):
    MCADAMS = voices.METHOD


class Per(StrEnum):
    """What has a coefficient of its own."""

    CLIP = "clip"
    SPEAKER = "speaker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attacks:
    """Equal error rates: the share of comparisons that go wrong where those of one voice do as often as those of two.

    A coin has 0.5. `undisguised` is the yardstick, before any disguise; its comparisons are counted, and each of the
    others was made in so many `draws` of the release's coefficients.
    """

    encoder: str
    speakers: Annotated[int, Field(gt=0)]
    same_voice: Annotated[int, Field(gt=0)]
    two_voices: Annotated[int, Field(gt=0)]
    draws: Annotated[int, Field(gt=0)]
    undisguised: Share
    ignorant: Share
    lazy_informed: Share
    semi_informed: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class WordErrors:
    """Word error rates of one recogniser on the same recordings; more than 1 where it heard more than was said."""

    recogniser: str
    clips: Annotated[int, Field(gt=0)]
    words: Annotated[int, Field(gt=0)]
    before: Annotated[float, Field(ge=0)]
    after: Annotated[float, Field(ge=0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What `loanword evaluate disguise` measured, of which disguise, and on which recordings."""

    method: Method
    version: int
    per: Per
    alpha_from: float
    alpha_to: float
    recordings: str
    measured_on: str
    attacks: Attacks | None = None
    words: WordErrors | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disguise:
    """A policy's wish. `figures` are those of this very disguise, or none."""

    method: Method
    per: Per
    version: int = voices.VERSION
    alpha_from: Annotated[float, Field(ge=LOWEST_ALPHA, le=HIGHEST_ALPHA)] = 0.5
    alpha_to: Annotated[float, Field(ge=LOWEST_ALPHA, le=HIGHEST_ALPHA)] = 0.9
    figures: Figures | None = None


# `TypeAdapter` asks for its settings by this name; a typo must not go unnoticed.
Attacks.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[attr-defined]
WordErrors.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[attr-defined]
Figures.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[attr-defined]
Disguise.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[attr-defined]


def check(disguise: Disguise) -> None:
    """What no field can say alone. Raises `BadPolicy`, naming the field."""
    if disguise.version != voices.VERSION:
        raise BadPolicy(f"disguise.version: this program disguises by version {voices.VERSION} of the method.")
    if not disguise.alpha_to - disguise.alpha_from >= NARROWEST_RANGE:
        raise BadPolicy(f"disguise.alpha_to: it must be at least {NARROWEST_RANGE} above alpha_from.")
    figures = disguise.figures
    names = ("method", "version", "per", "alpha_from", "alpha_to")
    if figures and (other := [name for name in names if getattr(figures, name) != getattr(disguise, name)]):
        raise BadPolicy(f"disguise.figures: they were measured of another disguise ({', '.join(other)}).")


def read_figures(path: Path) -> Mapping[str, object]:
    """What `format_figures` wrote to a file. Raises `BadPolicy`."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise BadPolicy(f"disguise.figures: {path} cannot be read: {error}") from error


def format_figures(figures: Figures) -> str:
    """A file of figures, for a policy to name."""
    return TypeAdapter(Figures).dump_json(figures, indent=2).decode() + "\n"


def alpha_message(disguise: Disguise, name: str, version: str, speaker: str, wav_filename: str) -> bytes:
    """What a speaker's voice key draws a coefficient from, under `ALPHA_LABEL`: names that only this release gives."""
    return f"{name}/{version}/{speaker if disguise.per is Per.SPEAKER else wav_filename}".encode()


def drawn(disguise: Disguise, digest: str) -> float:
    """The coefficient that 64 hexadecimal digits come to: evenly between the policy's bounds."""
    share = int(digest[:_DRAW_DIGITS], 16) / float(1 << 4 * _DRAW_DIGITS)
    return disguise.alpha_from + share * (disguise.alpha_to - disguise.alpha_from)


def disguise_in_place(pcm: memoryview, alpha: float) -> None:
    """Canonical PCM by its disguised self, of the same length."""
    samples = np.frombuffer(pcm, dtype="<i2")
    samples[:] = voices.mcadams(samples.astype(np.int16), alpha)
