"""A policy is understood, or refused by the name of the field."""

from dataclasses import replace
from pathlib import Path

import pytest

from corpus.errors import BadPolicy
from corpus.words import Split
from export import policy
from export.disguise import Disguise, Figures, Method, Per, drawn, format_figures
from export.policy import Policy

FILE = """
name = "voice commands"
locale = "en"
max_duration_s = 15
licence_id = "CC0-1.0"
[shares]
train = 0.6
dev = 0.2
test = 0.2
[min_speakers]
dev = 1
"""
DISGUISE = Disguise(method=Method.MCADAMS, per=Per.CLIP)
MEASURED = Figures(
    method=Method.MCADAMS,
    version=DISGUISE.version,
    per=Per.CLIP,
    alpha_from=DISGUISE.alpha_from,
    alpha_to=DISGUISE.alpha_to,
    recordings="forty people reading",
    measured_on="2026-03-01",
)


def test_a_policy_file_overrides_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(FILE)

    read = policy.read(path)

    assert (read.name, read.locale, read.max_duration_s) == ("voice commands", "en", 15.0)
    assert read.shares == {Split.TRAIN: 0.6, Split.DEV: 0.2, Split.TEST: 0.2}
    assert read.min_speakers == {Split.DEV: 1}
    assert read.min_duration_s == 0.3


def test_the_canonical_json_reads_back_and_does_not_depend_on_the_order_written() -> None:
    shares = {Split.TRAIN: 0.5, Split.DEV: 0.25, Split.TEST: 0.25}
    one, other = Policy(shares=shares), Policy(shares=dict(reversed(shares.items())))

    assert policy.from_json(one.as_json()) == one
    assert one.as_json() == other.as_json()


@pytest.mark.parametrize(
    ("data", "field"),
    [
        pytest.param({"colour": "red"}, "colour", id="unknown"),
        pytest.param({"locale": "English"}, "locale", id="no-locale"),
        pytest.param({"shares": {"train": 1.0}}, "shares", id="a-share-missing"),
        pytest.param({"shares": {"train": 0.8, "dev": 0.3, "test": 0.1}}, "shares", id="more-than-one"),
        pytest.param({"shares": {"train": 1.2, "dev": -0.1, "test": -0.1}}, "shares", id="negative"),
        pytest.param({"shares": {"training": 1.0}}, "shares", id="no-such-split"),
        pytest.param({"shares": {"train": float("nan"), "dev": 0.5, "test": 0.5}}, "shares", id="not-a-number"),
        pytest.param({"min_speakers": {"dev": -1}}, "min_speakers", id="fewer-than-nobody"),
        pytest.param({"max_duration_s": 21}, "max_duration_s", id="too-long"),
        pytest.param({"min_duration_s": 5, "max_duration_s": 5}, "min_duration_s", id="no-length-left"),
        pytest.param({"shard_max_bytes": 1 << 30}, "shard_max_bytes", id="too-large-a-shard"),
        pytest.param({"licence_text": ""}, "licence_text", id="an-empty-licence"),
        pytest.param({"disguise": {"method": "mcadams"}}, "disguise.per", id="a-disguise-of-whom"),
        pytest.param({"disguise": {"method": "magic", "per": "clip"}}, "disguise.method", id="no-such-disguise"),
        pytest.param(
            {"disguise": {"method": "mcadams", "per": "clip", "alpha_from": 0.8, "alpha_to": 0.8}},
            "disguise.alpha_to",
            id="one-coefficient-for-all-that-the-policy-tells",
        ),
        pytest.param({"disguise": {"method": "mcadams", "per": "clip", "version": 0}}, "version", id="another-version"),
        pytest.param({"disguise": {"method": "mcadams", "per": "clip", "alpha": 0.8}}, "alpha", id="a-given-alpha"),
        pytest.param(
            {"disguise": {"method": "mcadams", "per": "clip"}, "shard_max_bytes": 1 << 28},
            "shard_max_bytes",
            id="a-shard-that-takes-longer-to-disguise-than-a-lease-lasts",
        ),
    ],
)
def test_a_wrong_policy_is_refused_by_the_name_of_the_field(data: dict[str, object], field: str) -> None:
    with pytest.raises(BadPolicy, match=field):
        policy.parse(data)


@pytest.mark.parametrize("content", [b"name = ", b"\xff"])
def test_a_file_that_is_not_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(content)

    with pytest.raises(BadPolicy, match="cannot be read"):
        policy.read(path)


def disguised(tmp_path: Path, figures: Figures) -> Path:
    """A policy that names a file of figures beside it."""
    (tmp_path / "disguise.json").write_text(format_figures(figures))
    path = tmp_path / "policy.toml"
    path.write_text('[disguise]\nmethod = "mcadams"\nper = "clip"\nfigures = "disguise.json"\n')
    return path


def test_a_policy_holds_the_figures_of_the_file_that_it_names(tmp_path: Path) -> None:
    read = policy.read(disguised(tmp_path, MEASURED))

    assert read.disguise == replace(DISGUISE, figures=MEASURED)
    assert policy.from_json(read.as_json()) == read


def test_figures_of_another_disguise_are_refused(tmp_path: Path) -> None:
    path = disguised(tmp_path, replace(MEASURED, per=Per.SPEAKER, alpha_to=0.8))

    with pytest.raises(BadPolicy, match=r"another disguise \(per, alpha_to\)"):
        policy.read(path)


def test_figures_that_are_not_there_are_missed(tmp_path: Path) -> None:
    path = disguised(tmp_path, MEASURED)
    (tmp_path / "disguise.json").unlink()

    with pytest.raises(BadPolicy, match=r"disguise\.figures"):
        policy.read(path)


def test_a_coefficient_is_drawn_evenly_between_the_bounds() -> None:
    assert drawn(DISGUISE, "0" * 64) == DISGUISE.alpha_from
    assert drawn(DISGUISE, "8" + "0" * 63) == pytest.approx((DISGUISE.alpha_from + DISGUISE.alpha_to) / 2)
    assert DISGUISE.alpha_to - 1e-12 < drawn(DISGUISE, "f" * 64) < DISGUISE.alpha_to


@pytest.mark.parametrize(
    ("written", "refusal"),
    [
        pytest.param('local = "en-US"', "`local` is no key of a policy; did you mean `locale`?", id="misspelt"),
        pytest.param('license_id = "MIT"', "`license_id` is no key of a policy; did you mean `licence_id`?", id="noun"),
        pytest.param("[min_speakers]\ntets = 1", "`min_speakers.tets` is no key of a policy; did you mean", id="split"),
        pytest.param("[disguise]\nalpha_form = 0.6", "did you mean `disguise.alpha_from`?", id="in-a-table"),
        pytest.param(
            'colour = "red"', "`colour` is no key of a policy; the keys are name, locale, seed, ", id="like-none"
        ),
        pytest.param("max_duration_s = 21", "max_duration_s: Input should be less than or equal to 20", id="a-value"),
        pytest.param("[shares]\ntrain = 1", "shares: give one for each split", id="what-no-field-says-alone"),
    ],
)
def test_a_slip_in_a_policy_file_is_told_by_file_and_key(tmp_path: Path, written: str, refusal: str) -> None:
    path = tmp_path / "p1.toml"
    path.write_text(written)

    with pytest.raises(BadPolicy) as refused:
        policy.read(path)

    assert str(refused.value).startswith(f"{path}: ")
    assert refusal in str(refused.value)
