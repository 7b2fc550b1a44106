"""Coqui STT's own loader reads what we release: every sample decoded, every transcript inside the alphabet."""

import json
import subprocess
from pathlib import Path

import pytest

from corpus.collaborators import Collaborators
from corpus.web.app import build_app
from export.catalogue.api import routes
from export.client.pull import pull
from tests.fixtures.coqui_ground import CoquiMissing, ground, read_with_coqui
from tests.fixtures.serving import serving
from tests.integration.export.test_catalogue import engineer_token, published
from tests.unit.export.client.handmade import Spoken, four_clips, write_unpacked

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module", autouse=True)
def coqui() -> None:
    try:
        ground()
    except CoquiMissing as reason:
        pytest.skip(str(reason))


def test_coqui_loads_every_sample_of_a_pulled_release(house: Collaborators, tmp_path: Path) -> None:
    published(house)
    with serving(build_app(house, [routes()])) as url:
        pull("commands", tmp_path / "1.0", url, engineer_token(house), clock=house.clock)
    lines = [json.loads(line) for line in (tmp_path / "1.0" / "clips.jsonl").read_text().splitlines()]

    counts = read_with_coqui(tmp_path / "1.0")

    for split in ("train", "dev", "test"):
        of_split = [line for line in lines if line["split"] == split]
        assert counts[split] == {
            "samples": len(of_split),
            "labels": sum(len(line["transcript"]) for line in of_split),
            "duration_s": pytest.approx(sum(line["duration_s"] for line in of_split), abs=0.001),
        }
    assert sum(each["samples"] for each in counts.values()) == 6


@pytest.mark.parametrize(
    ("clip", "said"),
    [
        pytest.param(Spoken(transcript="Loud"), "Alphabet cannot encode", id="upper-case"),
        pytest.param(Spoken(transcript=""), "Found an empty transcript", id="empty"),
        pytest.param(Spoken(cells={"size": "1.5"}), "invalid literal for int", id="size"),
    ],
)
def test_coqui_refuses_what_our_rule_keeps_out(tmp_path: Path, clip: Spoken, said: str) -> None:
    directory = write_unpacked([*four_clips(), clip], tmp_path)

    with pytest.raises(subprocess.CalledProcessError) as refused:
        read_with_coqui(directory)

    assert said in refused.value.stderr
