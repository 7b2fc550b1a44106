"""Archives are the same bytes everywhere, and a speaker is in as few as can be."""

import io
import tarfile
import wave
from collections import defaultdict
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.words import Split
from export import wav
from export.shards import RECORD_BYTES, Member, Memory, lay_out, member_header, plan

ROOM_BYTES = 1 << 20
members = st.lists(
    st.builds(Member, st.sampled_from("abcdefgh"), st.uuids().map(str), st.integers(512, 160_000), st.integers(1, 600)),
    unique_by=lambda member: member.wav_filename,
    max_size=40,
)


@given(members)
def test_no_shard_is_larger_than_it_may_be(clips: list[Member]) -> None:
    planned = list(plan(Split.TRAIN, clips, ROOM_BYTES))

    sizes: dict[str, int] = defaultdict(int)
    for member, shard in planned:
        sizes[shard] += member.size_bytes
    assert sorted(member.wav_filename for member, _ in planned) == sorted(clip.wav_filename for clip in clips)
    assert all(size + RECORD_BYTES <= ROOM_BYTES for size in sizes.values())


@given(members)
def test_a_speaker_who_fits_in_one_shard_is_in_one(clips: list[Member]) -> None:
    shards: dict[str, set[str]] = defaultdict(set)
    sizes: dict[str, int] = defaultdict(int)
    for member, shard in plan(Split.TRAIN, clips, ROOM_BYTES):
        shards[member.speaker].add(shard)
        sizes[member.speaker] += member.size_bytes

    assert all(len(shards[who]) == 1 for who in shards if sizes[who] <= ROOM_BYTES - RECORD_BYTES)


@given(members, st.randoms())
def test_the_order_of_input_changes_no_plan(clips: list[Member], random: Random) -> None:
    shuffled = sorted(clips, key=lambda _: random.random())

    assert list(plan(Split.DEV, shuffled, ROOM_BYTES)) == list(plan(Split.DEV, clips, ROOM_BYTES))


def test_shards_are_named_by_split_and_number() -> None:
    clips = [Member(str(number), str(number), 320_000, 10) for number in range(3)]

    names = [shard for _, shard in plan(Split.TEST, clips, ROOM_BYTES)]

    assert names == ["archives/test-00000.tar", "archives/test-00001.tar", "archives/test-00002.tar"]


@pytest.mark.parametrize("size_bytes", [0, 1, 511, 160_044, 8**11 - 1])
def test_a_header_is_the_one_that_tarfile_writes(size_bytes: int) -> None:
    known = tarfile.TarInfo("clips/3f/3f9a.wav")
    known.size = size_bytes

    assert member_header("clips/3f/3f9a.wav", size_bytes) == known.tobuf(tarfile.USTAR_FORMAT)


@pytest.mark.parametrize("used_before", [False, True])
def test_an_archive_is_what_tarfile_writes_whatever_stood_in_its_memory(used_before: bool) -> None:
    memory = Memory(20_000)
    if used_before:
        other = memory.take(15_000)
        other[:] = b"x" * 15_000
        memory.give_back(other)
    laid_out = lay_out([("clips/ab/ab.wav", 1004), ("clips/ab/ab.txt", 7)], memory)
    sound, text = laid_out.rooms
    text[:] = b"turn on"
    sound[:] = b"head" + b"sound" * 200

    archive = laid_out.content

    expected = io.BytesIO()
    with tarfile.open(fileobj=expected, mode="w", format=tarfile.USTAR_FORMAT) as known:
        for name, content in (("clips/ab/ab.wav", b"head" + b"sound" * 200), ("clips/ab/ab.txt", b"turn on")):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            known.addfile(info, io.BytesIO(content))
    assert archive == expected.getvalue()


def test_a_name_too_long_for_ustar_is_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        member_header("a" * 101, 1)


@given(st.integers(0, 320_000))
def test_python_reads_the_wav_header_and_its_sizes_are_exact(samples: int) -> None:
    content = wav.header(samples) + bytes(samples * 2)

    with wave.open(io.BytesIO(content)) as file:
        assert file.getparams()[:4] == (1, 2, 16_000, samples)
    assert len(content) == wav.size_bytes(samples) == int.from_bytes(content[4:8], "little") + 8
