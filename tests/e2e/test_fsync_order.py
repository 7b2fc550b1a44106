"""Before a device hears 201, the disk has its recording: traced on a real server, system call by system call."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path, PurePath

import pytest

from corpus.collaborators import collaborators
from corpus.settings import Settings
from loanword.prepare import prepare
from tests.e2e import trace
from tests.e2e.server import running, some_speech
from tests.e2e.trace import LINKS, SYNCS, WRITES, Call
from tests.factories import make_lender

HOME = PurePath("/lent")
SOUND_TRACE = """\
10  write(7</lent/objects/.incoming/#12 (deleted)>, "\\1sealed"..., 40093) = 40093
10  fsync(7</lent/objects/.incoming/#12 (deleted)>) = 0
10  linkat(7</lent/objects/.incoming/#12 (deleted)>, "/proc/self/fd/7", 3</>, "/lent/objects/voices/a/k/u1", 0x400) = 0
10  fsync(7</lent/objects/voices/a/k>) = 0
10  fsync(8</lent/objects/voices/a>) = 0
10  fsync(8</lent/objects/voices>) = 0
10  fsync(8</lent/objects>) = 0
10  pwrite64(5</lent/loanword.db-wal>, "\\0\\0"..., 4096, 56) = 4096
10  fdatasync(5</lent/loanword.db-wal> <unfinished ...>
11  write(9<anon_inode:[eventfd]>, "\\1"..., 8) = 8
10  <... fdatasync resumed>)          = 0
11  write(14<socket:[243306]>, "HTTP/1.1 201 Created\\r\\ndate: Sun"..., 139) = 139
"""
OBJECT_FSYNC, LINK, FOLDER_FSYNC, UPPER_FSYNC, LOG_WRITE, LOG_SYNC, LOG_SYNCED, ANSWER = 1, 2, 3, 5, 7, 8, 10, 11


def faults(calls: Iterable[Call], home: PurePath) -> list[str]:
    """What a power cut right after the 201 could still take."""
    calls = list(calls)
    answer = next((call for call in calls if call.name in WRITES and '"HTTP/1.1 201' in call.arguments), None)
    voices, log = f"{home}/objects/voices/", f"{home}/loanword.db-wal"
    link = next((call for call in calls if call.name in LINKS and call.quoted[-1].startswith(voices)), None)
    if answer is None or link is None:
        return ["no 201" if answer is None else "no object was given its name"]
    incoming, name = link.file or link.quoted[0], PurePath(link.quoted[-1])  # nameless until now, or not
    found = []
    if not _synced(calls, incoming, after=_last_write(calls, incoming, link.begun), before=link.begun):
        found.append("the object was given its name before its bytes were on the disk")
    logged = _last_write(calls, log, answer.begun)
    if logged < link.ended:
        found.append("nothing was logged between the object and the answer")
    for folder in name.parents[: len(name.relative_to(home / "objects").parts)]:
        if not _synced(calls, str(folder), after=link.ended, before=logged):
            found.append(f"the name in {folder} was not on the disk before its row was written")
    if not _synced(calls, log, after=logged, before=answer.begun):
        found.append("the answer came before the row was on the disk")
    return found


def _last_write(calls: Iterable[Call], file: str, before: int) -> int:
    """Where the last write that began before that place had ended; -1 where there is none."""
    return max(
        (call.ended for call in calls if call.name in WRITES and call.file == file and call.begun < before), default=-1
    )


def _synced(calls: Iterable[Call], file: str, *, after: int, before: int) -> bool:
    """Whether a sync of it began and ended between the two places."""
    return any(
        call.name in SYNCS and call.file == file and 0 <= after < call.begun <= call.ended < before for call in calls
    )


def _doctored(*, move: int, to: int) -> str:
    """The sound trace with one line put before another."""
    lines = SOUND_TRACE.splitlines(keepends=True)
    lines.insert(to - (move < to), lines.pop(move))
    return "".join(lines)


@pytest.fixture
def strace(tmp_path: Path) -> str:
    """Its path, where this machine has it and lets it trace."""
    found = shutil.which("strace")
    if found is None:
        pytest.skip("no strace on this machine: `apt-get install strace`")
    command = [*trace.command(found, tmp_path / "tried"), "true"]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"strace may not trace on this machine: {tried.stderr.strip()}")
    return found


def test_a_201_is_sent_once_file_folders_and_log_are_fsynced(strace: str, tmp_path: Path) -> None:
    settings, log = Settings(home=tmp_path / "home"), tmp_path / "trace"
    prepare(settings)
    house = collaborators(settings)
    lender = make_lender(house)
    house.database.close()

    with running(settings, under=trace.command(strace, log)) as server, server.client() as client:
        server.post(client, some_speech(lender))

    assert faults(trace.read(log.read_text()), settings.home) == []


def test_a_trace_in_order_has_no_faults() -> None:
    assert faults(trace.read(SOUND_TRACE), HOME) == []


@pytest.mark.parametrize(
    ("doctored", "fault"),
    [
        pytest.param(
            _doctored(move=ANSWER, to=LOG_SYNC), "the answer came before the row was on the disk", id="answered-first"
        ),
        pytest.param(
            _doctored(move=ANSWER, to=LOG_SYNCED),
            "the answer came before the row was on the disk",
            id="answered-while-the-log-was-being-fsynced",
        ),
        pytest.param(
            _doctored(move=LOG_WRITE, to=ANSWER), "the answer came before the row was on the disk", id="written-since"
        ),
        pytest.param(
            SOUND_TRACE.replace(
                "fdatasync resumed>)          = 0", "fdatasync resumed>) = -1 EIO (Input/output error)"
            ),
            "the answer came before the row was on the disk",
            id="the-disk-refused",
        ),
        pytest.param(
            _doctored(move=OBJECT_FSYNC, to=FOLDER_FSYNC),
            "the object was given its name before its bytes were on the disk",
            id="named-before-it-was-fsynced",
        ),
        pytest.param(
            _doctored(move=FOLDER_FSYNC, to=LINK),
            "the name in /lent/objects/voices/a/k was not on the disk before its row was written",
            id="folder-fsynced-before-the-name-was-in-it",
        ),
        pytest.param(
            _doctored(move=UPPER_FSYNC, to=ANSWER),
            "the name in /lent/objects/voices was not on the disk before its row was written",
            id="folder-above-fsynced-after-the-row",
        ),
    ],
)
def test_a_trace_out_of_order_is_found_out(doctored: str, fault: str) -> None:
    assert faults(trace.read(doctored), HOME) == [fault]
