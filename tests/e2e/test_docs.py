"""Holds README.md and docs/ to what they say.

A fence of ` ```console N ` is run: the blocks of all pages together, sorted by N and then as they stand, are one bash
session against a real server in an empty home. A fence of ` ```console ` alone is for reading (it asks for a host of
one's own, or never ends), and only its commands and options are looked up.
"""

import ast
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer

from corpus import errors
from corpus.child_process import ends_with_parent
from corpus.identity.sign_in import FROM_HERE
from corpus.settings import Settings
from corpus.web.problems import TYPE_PREFIX, problem_type, status_of
from export import policy
from export.client.contents import CLIPS, MANIFEST
from export.disguise import Disguise
from ingest import client
from loanword import cli, samples
from loanword.prepare import prepare
from loanword.serve import as_environment

REPOSITORY = Path(__file__).parent.parent.parent
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
TEXTS = {page.relative_to(REPOSITORY).as_posix(): page.read_text("utf-8") for page in PAGES}
DEVICES, SETTINGS, POLICY = (TEXTS[f"docs/{page}.md"] for page in ("devices", "settings", "policy"))
EVERYTHING = "\n".join(TEXTS.values())

SAMPLES = Path(samples.__file__).parent
RECORDINGS = {
    "lights.wav": "ash-turn-on-the-kitchen-lights.wav",
    "jazz.webm": "birch-play-some-quiet-jazz.webm",
    "timer.opus": "ash-set-a-timer-for-ten-minutes.opus",
    "recordings/blinds.webm": "cedar-open-the-blinds.webm",
    "recordings/headlines.webm": "elm-read-me-the-headlines.webm",
}
PASSWORD = "correct horse battery"
READY_WITHIN_S = 30.0
TYPED_FOR_THE_READER = """
set -euo pipefail
curl() { command curl --fail-with-body "$@"; echo; }
loanword() { command loanword "$@" < "$TYPED"; }
"""
GATES = (
    "corpus/consent.py",
    "corpus/identity/tokens.py",
    *(f"ingest/{name}.py" for name in ("body", "digests", "metadata", "multipart", "record_utterance", "sniff")),
    *(f"ingest/api/{name}.py" for name in ("arriving", "utterances")),
)


@dataclass(frozen=True)
class Block:
    """One console fence. `turn` is None where it is for reading alone."""

    turn: int | None
    script: str


def blocks() -> list[Block]:
    fences = [fence for text in TEXTS.values() for fence in re.findall(r"(?ms)^```console *(\d*)\n(.*?)^```$", text)]
    return [Block(int(turn) if turn else None, script) for turn, script in fences]


def the_story() -> str:
    ran = [block for block in blocks() if block.turn is not None]
    return "".join(block.script for block in sorted(ran, key=lambda block: block.turn or 0))


def commands() -> dict[tuple[str, ...], Any]:
    """Every subcommand by its words, groups left out."""

    def walk(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
        below = getattr(command, "commands", None)
        if below is None:
            yield words, command
        for name, each in (below or {}).items():
            yield from walk((*words, name), each)

    return dict(walk((), typer.main.get_command(cli.build())))


def as_cell(text: str) -> str:
    """A setting's description in a table: `<home>/…` would be taken for a tag."""
    return re.sub(r"<home>[^\s,;]*", r"`\g<0>`", text)


def settings_table() -> str:
    defaults = Settings.model_construct().model_dump(mode="json")
    rows = []
    for name, field in Settings.model_fields.items():
        default = "" if defaults[name] is None else f"`{defaults[name]}`"
        rows.append(f"| `LOANWORD_{name.upper()}` | {default} | {as_cell(field.description or '')} |\n")
    return "".join(rows)


def policy_example() -> str:
    [example] = re.findall(r"(?ms)^```toml\n(.*?)^```$", POLICY)
    return str(example)


def policy_defaults() -> dict[str, str]:
    """Every key of a policy with its default as JSON; none where it must be given."""
    defaults = {name: json.dumps(value) for name, value in asdict(policy.Policy()).items()}
    for each in fields(Disguise):
        defaults[f"disguise.{each.name}"] = "" if each.default is MISSING else json.dumps(each.default)
    return defaults


def refusal_rows() -> list[tuple[int, str, str]]:
    """(status, problem, what the device does) of docs/devices.md."""
    rows = re.findall(r"(?m)^\| (\d{3}) \| `([a-z-]+)` \| (.+?) \|$", DEVICES)
    return [(int(status), problem, does) for status, problem, does in rows]


def known_problems() -> dict[str, int]:
    """Every problem that the web can answer, with its status."""
    classes = [each for each in vars(errors).values() if isinstance(each, type)]
    raised = [each for each in classes if issubclass(each, errors.LoanwordError)]
    return {problem_type(each).removeprefix(TYPE_PREFIX): status_of(each) for each in raised}


def refusals_of_uploads() -> set[str]:
    """The problems that the modules of an upload raise by name, and the stores' moments of weakness."""
    names = {"StoreUnavailable", "DatabaseUnavailable", "Overloaded"}
    for path in GATES:
        for node in ast.walk(ast.parse((REPOSITORY / path).read_text("utf-8"))):
            if isinstance(node, ast.Raise) and node.exc is not None:
                raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
                names |= {raised.id} if isinstance(raised, ast.Name) else set()
    names.discard("RoleMissing")  # the scope `upload` needs no role
    found = (getattr(errors, name, None) for name in names)
    return {problem_type(each).removeprefix(TYPE_PREFIX) for each in found if isinstance(each, type)}


@contextmanager
def server_over(settings: Settings) -> Iterator[str]:
    """`loanword serve` as a process of its own, on a free port; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        ends_with_parent([sys.executable, "-m", "loanword", "serve", "--port", str(port)]),
        env=os.environ | as_environment(settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + READY_WITHIN_S
        while not _is_healthy(url):
            assert time.monotonic() < deadline, "the server did not start"
            assert process.poll() is None, "the server ended"
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait()


def _is_healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").is_success
    except httpx.TransportError:
        return False


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not all(map(shutil.which, ("bash", "curl", "openssl"))), reason="needs bash, curl and openssl")
def test_a_reader_who_types_the_numbered_blocks_in_turn_gets_from_an_empty_home_to_a_withdrawal(tmp_path: Path) -> None:
    desk = tmp_path / "desk"
    (desk / "recordings").mkdir(parents=True)
    for name, sample in RECORDINGS.items():
        shutil.copy(SAMPLES / sample, desk / name)
    (desk / "loanword" / "notices").mkdir(parents=True)
    shutil.copy(REPOSITORY / "loanword" / "notices" / "en-US.md", desk / "loanword" / "notices")
    (desk / "policy.toml").write_text(policy_example())
    typed = tmp_path / "typed"
    typed.write_text(f"{PASSWORD}\n{PASSWORD}\n")
    settings = Settings(home=tmp_path / "home")
    prepare(settings)

    with server_over(settings) as url:
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(desk),
            "LANG": "C.UTF-8",
            "TYPED": str(typed),
            "LOANWORD_SERVER": url,
            **as_environment(settings),
        }
        read = subprocess.run(
            ["bash", "-c", TYPED_FOR_THE_READER + the_story()],
            cwd=desk,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            start_new_session=True,  # without a terminal, passwords are read from standard input
        )

        assert read.returncode == 0, read.stdout + read.stderr
        token = next((desk / ".config" / "loanword").glob("*.account-token")).read_text().strip()
        bearer = {"Authorization": f"Bearer {token}"}
        gone = httpx.get(f"{url}/v1/releases/commands/1/files/{MANIFEST}", headers=bearer)
    assert "5 seen = 5 kept" in read.stdout
    assert "states no licence" not in read.stdout
    assert read.stdout.count("commands@1 in commands is sound") == 2
    assert "1 withdrawn clips removed" in read.stdout
    assert (desk / "commands" / CLIPS).read_text() == ""
    assert list((desk / "commands").rglob("*.wav")) == []
    assert gone.status_code == httpx.codes.GONE
    assert [path for path in settings.home.rglob("objects/voices/**/*") if path.is_file()] == []


def test_every_command_in_the_docs_exists_with_the_options_it_is_given() -> None:
    known, strange = commands(), []
    for line in re.findall(r"(?m)^ *loanword (.+)$", "\n".join(block.script for block in blocks())):
        words = [word for word in re.split(r"\s+", line.split(" #")[0].strip()) if word]
        command = known.get(tuple(words[:2])) or known.get(tuple(words[:1]))
        options = {name for each in getattr(command, "params", ()) for name in each.opts}
        asked = {word for word in words if word.startswith("--")}
        if command is None or not asked <= options:
            strange.append(line)

    named = {tuple(words.split()) for words in re.findall(r"`loanword ((?:[a-z][a-z-]* ?)+)", EVERYTHING)}
    strange += [" ".join(words) for words in named if words[:2] not in known and words[:1] not in known]

    assert strange == []


def test_every_command_is_documented() -> None:
    missing = [" ".join(words) for words in commands() if f"loanword {' '.join(words)}" not in EVERYTHING]

    assert missing == []


def test_every_setting_stands_in_the_table_as_it_is() -> None:
    assert settings_table() in SETTINGS, f"docs/settings.md: let the rows of the table be\n{settings_table()}"


def test_no_setting_in_the_docs_is_unknown() -> None:
    known = {f"LOANWORD_{name.upper()}" for name in Settings.model_fields} | {"LOANWORD_SERVER", "LOANWORD_TOKEN"}

    assert set(re.findall(r"LOANWORD_[A-Z0-9_]+", EVERYTHING)) - known == set()


def test_every_key_of_a_policy_stands_in_its_table_with_its_default() -> None:
    rows = re.findall(r"(?m)^\| `([a-z_.]+)` \| (?:`(.*?)` )?\| .+ \|$", POLICY)

    assert dict(rows) == policy_defaults()
    assert len(rows) == len(policy_defaults())


def test_the_example_of_a_policy_is_one_and_has_every_key_but_the_disguise() -> None:
    example = tomllib.loads(policy_example())

    policy.parse(example)

    assert set(example) == {each.name for each in fields(policy.Policy)} - {"disguise"}


def test_the_pages_say_when_wrong_passwords_pause_an_address() -> None:
    told = [page for page, text in TEXTS.items() if "Five wrong passwords within two minutes" in text]

    assert told == ["docs/accounts.md", "docs/curators.md"]
    assert (FROM_HERE.failures, FROM_HERE.within.total_seconds()) == (5, 120)


@pytest.mark.parametrize("page", TEXTS)
def test_every_refusal_that_a_page_names_is_one_that_we_answer_with_its_status(page: str) -> None:
    named = re.findall(r"\b([45]\d\d) `([a-z]+(?:-[a-z]+)*)`", TEXTS[page])

    assert [(status, problem) for status, problem in named if known_problems().get(problem) != int(status)] == []


@pytest.mark.parametrize("page", TEXTS)
def test_every_link_between_pages_resolves(page: str) -> None:
    targets = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", TEXTS[page])
    here = (REPOSITORY / page).parent

    assert [each for each in targets if "://" not in each and not (here / each).exists()] == []


def test_every_problem_in_the_devices_table_is_one_that_we_answer_with_its_status() -> None:
    told = {problem: status for status, problem, _ in refusal_rows()}

    assert told
    assert told.items() <= known_problems().items()


def test_every_refusal_of_an_upload_is_in_the_devices_table() -> None:
    assert refusals_of_uploads() - {problem for _, problem, _ in refusal_rows()} == set()


def test_the_devices_table_says_what_loanword_upload_does() -> None:
    for status, problem, does in refusal_rows():
        stops = status in client.STOPS_ALL and problem not in client.DROPS_ONE

        assert does.startswith("retry") == (status in client.RETRIED), problem
        assert does.startswith(("stop", "ask")) == stops, problem


@pytest.mark.parametrize("page", TEXTS)
def test_no_page_calls_a_voice_anonymous(page: str) -> None:
    assert "anonym" not in re.sub("pseudonym", "", TEXTS[page]).lower()


@pytest.mark.parametrize("page", [page for page in TEXTS if page.startswith("docs/")])
def test_a_page_can_be_read_in_one_sitting(page: str) -> None:
    assert len(TEXTS[page].splitlines()) <= 120
