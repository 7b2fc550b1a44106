"""A release whose policy asks for it holds disguised voices: the same bytes each time, and no coefficient anywhere."""

import io
import json
import tarfile
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from corpus.collaborators import Collaborators
from corpus.speech.disguise import mcadams
from export import disguise
from export.build import build_release
from export.disguise import Disguise, Method, Per
from export.publish import publish_release
from export.recut import recut_release
from tests.factories import Lender, tone, voice_key
from tests.integration.export.leaving import leave
from tests.integration.export.releases import NAME, PREFIX, SMALL_SHARDS, VERSION, content, lend, stored

PER_CLIP = replace(SMALL_SHARDS, disguise=Disguise(method=Method.MCADAMS, per=Per.CLIP))
PER_SPEAKER = replace(SMALL_SHARDS, disguise=Disguise(method=Method.MCADAMS, per=Per.SPEAKER))
SAID = [tone(duration_s=1.5, frequency_hz=200), tone(duration_s=1.6, frequency_hz=201)]
"""What `lend` has its first speaker say."""


def heard(house: Collaborators, version: str = VERSION) -> list[tuple[dict[str, str], NDArray[np.int16]]]:
    """Line of clips.jsonl and samples of every clip, the shortest first."""
    prefix = PREFIX.replace(VERSION, version)
    lines = [json.loads(line) for line in content(house, f"{prefix}clips.jsonl").splitlines()]
    found = []
    for line in sorted(lines, key=lambda line: int(line["samples"])):
        with tarfile.open(fileobj=io.BytesIO(content(house, prefix + line["shard"]))) as archive:
            file = archive.extractfile(line["wav_filename"])
            assert file is not None
            found.append((line, np.frombuffer(file.read()[44:], "<i2")))
    return found


def alpha(house: Collaborators, lender: Lender, policy: disguise.Disguise | None, line: dict[str, str]) -> float:
    assert policy is not None
    message = disguise.alpha_message(policy, NAME, VERSION, line["speaker"], line["wav_filename"])
    return disguise.drawn(policy, voice_key(house, lender.account_id).digest(disguise.ALPHA_LABEL, message))


@pytest.mark.parametrize(("policy", "alphas"), [(PER_CLIP, 2), (PER_SPEAKER, 1)], ids=["per-clip", "per-speaker"])
def test_each_clip_is_disguised_by_its_own_coefficient_or_its_speakers(
    house: Collaborators, policy: object, alphas: int
) -> None:
    assert isinstance(policy, type(PER_CLIP))
    (lender,) = lend(house, speakers=1)

    build_release(house, NAME, VERSION, policy)

    released = heard(house)
    drawn = [alpha(house, lender, policy.disguise, line) for line, _ in released]
    assert len(set(drawn)) == alphas
    for (_, samples), said, coefficient in zip(released, SAID, drawn, strict=True):
        original = np.frombuffer(said, "<i2").astype(np.int16)
        assert np.array_equal(samples, mcadams(original, coefficient))
        assert not np.array_equal(samples, original)


def test_building_the_draft_again_gives_the_same_bytes_and_names_no_coefficient(house: Collaborators) -> None:
    (lender,) = lend(house, speakers=1)
    build_release(house, NAME, VERSION, PER_CLIP)
    before = stored(house)

    build_release(house, NAME, VERSION, PER_CLIP)

    assert stored(house) == before
    told = b"".join(content(house, PREFIX + path) for path in before if not path.startswith("archives/"))
    for line, _ in heard(house):
        assert str(alpha(house, lender, PER_CLIP.disguise, line))[:6].encode() not in told
    assert b"disguised voice" in content(house, PREFIX + "README.md")
    assert json.loads(content(house, PREFIX + "release.json"))["voices"] == "disguised"


def test_another_version_draws_other_coefficients(house: Collaborators) -> None:
    lend(house, speakers=1)
    build_release(house, NAME, VERSION, PER_SPEAKER)

    build_release(house, NAME, "2.0", PER_SPEAKER)

    for (_, one), (_, other) in zip(heard(house), heard(house, "2.0"), strict=True):
        assert not np.array_equal(one, other)


def test_a_release_cut_anew_keeps_the_disguised_archives_byte_for_byte(house: Collaborators) -> None:
    lenders = lend(house, speakers=2, clips=2, duration_s=9)
    build_release(house, NAME, VERSION, PER_SPEAKER)
    publish_release(house, NAME, VERSION)
    before = stored(house)
    leave(house, lenders[0].account_id)

    made = recut_release(house, NAME, VERSION)

    assert (made.archives_kept, made.archives_made) == (1, 0)
    kept = {path: digest for path, digest in stored(house).items() if "archives/" in path}
    assert len(kept) == 1
    assert kept.items() < before.items()
