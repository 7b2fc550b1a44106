"""What a release is made to: the policy that a person writes in TOML, and the snapshot keeps as canonical JSON.

Shares are of speakers, not of clips. The seed is published with the release: it chooses splits and is never a key.
"""

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from corpus.errors import BadPolicy
from corpus.words import Split
from export import disguise
from export.disguise import Disguise

LONGEST_CLIP_S = 20.0
"""DeepSpeech's importers keep 10 s, its documentation speaks of 20; beyond that a batch no longer fits its memory."""

MIB = 1 << 20
LARGEST_SHARD_BYTES = 256 * MIB
LARGEST_DISGUISED_SHARD_BYTES = 64 * MIB
"""35 minutes of speech, which a core disguises in half a minute: a re-cut renews its lease only between archives."""

DEFAULT_SHARES = {Split.TRAIN: 0.8, Split.DEV: 0.1, Split.TEST: 0.1}
NO_LICENCE_ID = "LicenseRef-Unstated"
NO_LICENCE_TEXT = "No licence has been stated for this release. Ask its publisher before you use it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One release policy. Make one with `parse` or `read`, which check it."""

    name: Annotated[str, Field(min_length=1, max_length=200)] = "default"
    locale: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = "en-US"
    seed: str = "loanword"
    shares: dict[Split, Annotated[float, Field(ge=0, le=1)]] = field(default_factory=lambda: dict(DEFAULT_SHARES))
    min_speakers: dict[Split, Annotated[int, Field(ge=0)]] = field(default_factory=dict)
    min_duration_s: Annotated[float, Field(gt=0, le=LONGEST_CLIP_S)] = 0.3
    max_duration_s: Annotated[float, Field(gt=0, le=LONGEST_CLIP_S)] = 10.0
    shard_max_bytes: Annotated[int, Field(ge=MIB, le=LARGEST_SHARD_BYTES)] = 64 * MIB
    licence_id: Annotated[str, Field(min_length=1)] = NO_LICENCE_ID
    licence_text: Annotated[str, Field(min_length=1)] = NO_LICENCE_TEXT
    homepage: str = ""
    contact: str = ""
    disguise: Disguise | None = None

    def as_json(self) -> str:
        """Canonical: the same policy is the same text, whatever order it was written in."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


# `TypeAdapter` asks the class for its settings by this name; a typo in a policy must not go unnoticed.
Policy.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[attr-defined]

KEYS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    (): tuple(each.name for each in fields(Policy)),
    ("shares",): tuple(Split),
    ("min_speakers",): tuple(Split),
    ("disguise",): tuple(each.name for each in fields(Disguise)),
}
"""What may be written, by table. The figures of a disguise are written by a program, into a file of their own."""


def parse(data: dict[str, object]) -> Policy:
    """Raises `BadPolicy`, naming the field."""
    try:
        policy = TypeAdapter(Policy).validate_python(data)
    except ValidationError as error:
        raise BadPolicy("; ".join(_in_words(fault["loc"], fault["msg"]) for fault in error.errors())) from error
    _check(policy)
    return policy


def from_json(text: str) -> Policy:
    """What `Policy.as_json` wrote. Raises `BadPolicy`."""
    return parse(json.loads(text))


def read(path: Path) -> Policy:
    """A policy file in TOML. Where `disguise.figures` names a file beside it, the policy holds what that file says.

    Raises `BadPolicy`, naming the file too.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadPolicy(f"The release policy {path} cannot be read: {error}") from error
    asked = data.get("disguise")
    try:
        if isinstance(asked, dict) and isinstance(asked.get("figures"), str):
            asked["figures"] = disguise.read_figures(path.parent / asked["figures"])
        return parse(data)
    except BadPolicy as error:
        raise BadPolicy(f"{path}: {error}") from error


def _in_words(place: tuple[int | str, ...], fault: str) -> str:
    """What is wrong at a place; a key that there is none of is most often a slip of the pen."""
    if not place:
        return fault
    *table, key = [str(part) for part in place if part != "[key]"]
    known = KEYS.get(tuple(table))
    if known is None or key in known:
        return f"{'.'.join([*table, key])}: {fault}"
    likely = get_close_matches(key, known, n=1)
    remedy = f"did you mean `{'.'.join([*table, likely[0]])}`?" if likely else f"the keys are {', '.join(known)}."
    return f"`{'.'.join([*table, key])}` is no key of a policy; {remedy}"


def _check(policy: Policy) -> None:
    """What no field can say alone."""
    if missing := [split.value for split in Split if split not in policy.shares]:
        raise BadPolicy(f"shares: give one for each split; {', '.join(missing)} has none.")
    if not math.isclose(sum(policy.shares.values()), 1.0, abs_tol=1e-9):
        raise BadPolicy(f"shares: they add up to {sum(policy.shares.values()):g}, and must to 1.")
    if policy.min_duration_s >= policy.max_duration_s:
        raise BadPolicy("min_duration_s: it must be less than max_duration_s.")
    if policy.disguise:
        disguise.check(policy.disguise)
        if policy.shard_max_bytes > LARGEST_DISGUISED_SHARD_BYTES:
            raise BadPolicy(f"shard_max_bytes: at most {LARGEST_DISGUISED_SHARD_BYTES} where voices are disguised.")
