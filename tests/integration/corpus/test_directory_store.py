"""What a directory adds to the contract: durability, privacy, and erasures that race with puts."""

import mmap
import os
import random
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from time import time

import pytest

from corpus.errors import BadObjectKey, ObjectAbsent, ObjectExists, StoreUnavailable
from corpus.object_store import DirectoryStore, ObjectInfo


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "objects"


@pytest.fixture
def trace(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What the operating system was asked, in order: only what decides durability."""
    asked: list[tuple[str, str]] = []
    fsync, link, unlink = os.fsync, os.link, os.unlink

    def traced_fsync(descriptor: int) -> None:
        fsync(descriptor)
        asked.append(("fsync", str(Path(f"/proc/self/fd/{descriptor}").readlink())))

    def traced_link(source: str, target: Path, *, src_dir_fd: int | None) -> None:
        link(source, target, src_dir_fd=src_dir_fd)
        asked.append(("link", str(target)))

    def traced_unlink(path: Path) -> None:
        unlink(path)
        asked.append(("unlink", str(path)))

    monkeypatch.setattr(os, "fsync", traced_fsync)
    monkeypatch.setattr(os, "link", traced_link)
    monkeypatch.setattr(os, "unlink", traced_unlink)
    return asked


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to name what was fsynced")
@pytest.mark.parametrize("streamed", [False, True], ids=["in-hand", "streamed"])
def test_an_object_is_on_disk_under_its_name_before_put_returns(
    root: Path, trace: list[tuple[str, str]], streamed: bool
) -> None:
    store = DirectoryStore(root)
    trace.clear()

    store.put("voices/ada/one", iter([b"a voice"]) if streamed else b"a voice")

    (first, unfinished), *rest = trace
    assert first == "fsync"
    assert unfinished.startswith(f"{root}/.incoming/")
    assert [each for each in rest if each[0] != "unlink"] == [
        ("link", f"{root}/voices/ada/one"),
        ("fsync", f"{root}/voices/ada"),
        ("fsync", f"{root}/voices"),
        ("fsync", f"{root}"),
    ]
    assert list((root / ".incoming").iterdir()) == []


def test_a_file_system_without_nameless_files_holds_the_same(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    store = DirectoryStore(root)

    store.put("voices/ada/one", b"a voice")

    with store.open("voices/ada/one") as file:
        assert file.read() == b"a voice"
    with pytest.raises(ObjectExists):
        store.put("voices/ada/one", b"another")
    assert list((root / ".incoming").iterdir()) == []


def test_a_crash_leaves_nothing_of_a_small_object(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DirectoryStore(root)
    if not store._knows_nameless:
        pytest.skip("this file system knows no files without a name")
    at_each_fsync = list[list[Path]]()
    monkeypatch.setattr(
        os, "fsync", lambda _: at_each_fsync.append([path for path in root.rglob("*") if path.is_file()])
    )

    store.put("voices/ada/one", b"a voice")

    assert at_each_fsync[:2] == [[], [root / "voices/ada/one"]]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to name what was fsynced")
def test_a_further_object_in_a_durable_folder_costs_one_folder(root: Path, trace: list[tuple[str, str]]) -> None:
    store = DirectoryStore(root)
    store.put("voices/ada/one", b"a voice")
    trace.clear()

    store.put("voices/ada/two", b"a voice")

    assert [place for act, place in trace if act == "fsync"][1:] == [f"{root}/voices/ada"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to name what was fsynced")
def test_a_folder_made_anew_by_another_is_not_taken_for_the_durable_one(
    root: Path, trace: list[tuple[str, str]]
) -> None:
    store = DirectoryStore(root)
    store.put("voices/ada/one", b"a voice")
    DirectoryStore(root).erase("voices/ada/one")
    (root / "voices" / "ada").mkdir(parents=True)
    trace.clear()

    store.put("voices/ada/two", b"a voice")

    assert [place for act, place in trace if act == "fsync"][1:] == [
        f"{root}/voices/ada",
        f"{root}/voices",
        f"{root}",
    ]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to name what was fsynced")
@pytest.mark.parametrize("times", [pytest.param(1, id="first"), pytest.param(2, id="again-after-a-crash")])
def test_an_erasure_is_on_disk_before_erase_returns(root: Path, trace: list[tuple[str, str]], times: int) -> None:
    store = DirectoryStore(root)
    store.put("voices/ada/one", b"a voice")
    store.put("voices/ada/two", b"a voice")
    for _ in range(times):
        trace.clear()

        store.erase("voices/ada/one")

        assert next(act for act in trace if act[0] == "fsync") == ("fsync", f"{root}/voices/ada")


@pytest.mark.parametrize(
    "start",
    [pytest.param(0, id="a place in memory that the disk can read"), pytest.param(1, id="a place that it cannot")],
)
@pytest.mark.parametrize("more_bytes", [0, 1, 4096, 5_000_001])
def test_an_archive_is_stored_byte_for_byte_past_the_systems_cache(root: Path, start: int, more_bytes: int) -> None:
    store = DirectoryStore(root)
    memory = mmap.mmap(-1, (8 << 20) + more_bytes + 1)
    memory[:] = random.Random(more_bytes).randbytes(len(memory))
    archive = memoryview(memory)[start : start + (8 << 20) + more_bytes]

    info = store.put("releases/archive", archive)

    with store.open("releases/archive") as file:
        stored = file.read()
    assert stored == archive
    assert (info.size_bytes, info.sha256) == (len(archive), sha256(archive).hexdigest())


def test_only_the_owner_may_read(root: Path) -> None:
    store = DirectoryStore(root)

    store.put("voices/ada/one", b"a voice")

    modes = {path.relative_to(root).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*")}
    assert modes == {".incoming": 0o700, "voices": 0o700, "voices/ada": 0o700, "voices/ada/one": 0o600}
    assert stat.S_IMODE(root.stat().st_mode) == 0o700


def test_nothing_is_left_of_a_put_that_lost(root: Path) -> None:
    store = DirectoryStore(root)
    store.put("a/1", b"first")

    with pytest.raises(ObjectExists):
        store.put("a/1", b"second")

    assert [path.name for path in root.rglob("*") if path.is_file()] == ["1"]


def test_an_erasure_leaves_no_empty_folder(root: Path) -> None:
    store = DirectoryStore(root)
    store.put("voices/ada/clips/one", b"a voice")

    store.erase("voices/ada/clips/one")

    assert [path.name for path in root.iterdir()] == [".incoming"]


def test_an_erasure_takes_what_is_half_written(root: Path) -> None:
    store = DirectoryStore(root)

    def erased_meanwhile() -> list[bytes]:
        store.erase("a/1")
        return [b"a voice"]

    with pytest.raises(StoreUnavailable):
        store.put("a/1", (chunk for _ in range(1) for chunk in erased_meanwhile()))

    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_what_a_crash_left_half_written_is_discarded_after_a_day(root: Path) -> None:
    incoming = DirectoryStore(root)._incoming
    for name, age in (("old", timedelta(hours=25)), ("young", timedelta(hours=23))):
        (incoming / name).write_bytes(b"half a voice")
        os.utime(incoming / name, times=(time() - age.total_seconds(),) * 2)

    DirectoryStore(root)

    assert [path.name for path in incoming.iterdir()] == ["young"]


@pytest.mark.parametrize(("first", "second"), [("a", "a/b"), ("a/b", "a"), ("a", "a/b/c")])
def test_one_objects_name_is_never_anothers_folder(root: Path, first: str, second: str) -> None:
    store = DirectoryStore(root)
    store.put(first, b"x")

    with pytest.raises(BadObjectKey):
        store.put(second, b"x")

    assert [info.key for info in store.list("")] == [first]


def test_a_link_to_elsewhere_is_not_an_object(root: Path, tmp_path: Path) -> None:
    store = DirectoryStore(root)
    (tmp_path / "secret").write_bytes(b"not ours")
    (root / "link").symlink_to(tmp_path / "secret")

    with pytest.raises(ObjectAbsent):
        store.head("link")
    with pytest.raises(ObjectAbsent):
        store.open("link")
    assert list(store.list("")) == []


def test_puts_and_erasures_that_race_in_one_folder_all_succeed(root: Path) -> None:
    store = DirectoryStore(root)

    def give_and_take_back(number: int) -> None:
        for _ in range(30):
            store.put(f"voices/ada/{number}", b"a voice")
            store.erase(f"voices/ada/{number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(give_and_take_back, range(8)))

    assert list(store.list("")) == []


def test_several_objects_are_stored_together_and_each_has_its_own_error(root: Path) -> None:
    store = DirectoryStore(root)
    store.put("voices/ada/taken", b"there before")

    one, taken, hides, other = store.put_each(
        [("voices/ada/1", b"one"), ("voices/ada/taken", b"late"), ("../out", b"no"), ("voices/bob/2", b"two")]
    )

    assert (one, other) == (ObjectInfo("voices/ada/1", 3), ObjectInfo("voices/bob/2", 3))
    assert isinstance(taken, ObjectExists)
    assert isinstance(hides, BadObjectKey)
    assert {info.key for info in store.list("")} == {"voices/ada/1", "voices/ada/taken", "voices/bob/2"}
    with store.open("voices/ada/taken") as file:
        assert file.read() == b"there before"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to name what was fsynced")
def test_each_of_several_objects_is_on_disk_before_it_has_its_name(root: Path, trace: list[tuple[str, str]]) -> None:
    store = DirectoryStore(root)
    trace.clear()

    store.put_each([("a/1", b"one"), ("b/2", b"two")])

    (first, _), linked, (second, _), linked_too, *folders = (each for each in trace if each[0] != "unlink")
    assert (first, second) == ("fsync", "fsync")
    assert (linked, linked_too) == (("link", f"{root}/a/1"), ("link", f"{root}/b/2"))
    assert {path for what, path in folders if what == "fsync"} == {f"{root}/a", f"{root}/b", f"{root}"}
