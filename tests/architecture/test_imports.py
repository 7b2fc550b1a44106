"""Arrows go down only, pure modules stay pure, and each heavy library has one door."""

import ast
from collections.abc import Iterable
from fnmatch import fnmatch

import pytest

from tests.architecture.source import ROOMS, Module, Rule, house, imports, is_within, module

MAY_IMPORT = {
    "corpus": {"corpus"},
    "ingest": {"ingest", "corpus"},
    "curation": {"curation", "corpus"},
    "export": {"export", "corpus"},
    "loanword": {"loanword", "ingest", "curation", "export", "corpus"},
    "migrations": {"migrations"},  # they outlive the code of their day; env.py alone looks at it
    "benchmarks": {*ROOMS, "tests"} - {"migrations"},  # its records come from the tests' factories
}

PURE = (
    "corpus/words.py",
    "corpus/errors.py",
    "corpus/consent.py",
    "corpus/small_cells.py",
    "curation/stages/*.py",
    "curation/pipeline.py",
    "curation/measure.py",
    "curation/measurements.py",
    "curation/listen.py",
    "curation/loudness.py",
    "curation/spectrum.py",
    "curation/verdict.py",
    "curation/duplicates.py",
    "curation/report/measures.py",
    "curation/personal_data/*.py",
    "curation/redact.py",
    "export/splits.py",
    "export/manifest.py",
    "export/consents.py",
    "export/disguise.py",
    "corpus/speech/disguise.py",
)
IMPURE = ("sqlalchemy", "alembic", "psycopg", "boto3", "botocore", "fastapi", "starlette")

SQL_VERBS = {"select", "insert", "update", "delete", "text"}
SQL_LIVES_IN = (
    "*/queries.py",
    "corpus/*_queries.py",
    "curation/*_queries.py",
    "corpus/tables.py",
    "corpus/database.py",
    "migrations/*",
)


def arrows_that_go_up(modules: Iterable[Module]) -> list[str]:
    return [
        f"{each.path} imports {name}: {each.room} may not know {name.partition('.')[0]}"
        for each in modules
        for name in imports(each)
        if name.partition(".")[0] in {*ROOMS, "tests"} - MAY_IMPORT[each.room]
        and not (each.path == "migrations/env.py" and is_within(name, "corpus"))
    ]


def impurities(modules: Iterable[Module], start: Module) -> list[str]:
    """What a pure module reaches that reads or writes, through whichever modules of ours."""
    by_name = {each.name: each for each in modules}
    found, seen, ahead = [], {start.name}, [(start, start.path)]
    while ahead:
        current, way = ahead.pop()
        for name in imports(current):
            if name.partition(".")[0] in IMPURE:
                found.append(f"{way} imports {name}: a pure module decides, and its caller reads and writes")
            target = by_name.get(name) or by_name.get(name.rpartition(".")[0])
            if target and target.name not in seen:
                seen.add(target.name)
                ahead.append((target, f"{way} → {target.path}"))
    return found


def store_clients_outside_the_store(modules: Iterable[Module]) -> list[str]:
    return [
        f"{each.path} imports {name}: only corpus/s3.py and its helpers speak to S3; pass an ObjectStore"
        for each in modules
        for name in imports(each)
        if name.partition(".")[0] in {"boto3", "botocore"} and not fnmatch(each.path, "corpus/s3*.py")
    ]


def dependencies_outside_their_module(modules: Iterable[Module]) -> list[str]:
    return [
        f"{each.path} names FastAPI's Depends: wiring belongs in a module called dependencies.py"
        for each in modules
        if not each.path.endswith("/dependencies.py")
        and any(is_within(name, "fastapi") and name.endswith((".Depends", ".Security")) for name in _reached(each))
    ]


def sql_outside_queries(modules: Iterable[Module]) -> list[str]:
    return [
        f"{each.path} uses {name}: SQL lives in queries.py and in migrations"
        for each in modules
        if not any(fnmatch(each.path, pattern) for pattern in SQL_LIVES_IN)
        for name in sorted(_reached(each))
        if (is_within(name, "sqlalchemy") and name.rpartition(".")[2] in SQL_VERBS) or name == ".exec_driver_sql"
    ]


def _reached(each: Module) -> set[str]:
    """Its imports, and what it takes from them by dot (`import sqlalchemy as sa; sa.text`); `.x` for any other dot."""
    known = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(each.tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    dotted = {
        f"{known.get(ast.unparse(node.value), '')}.{node.attr}"
        for node in ast.walk(each.tree)
        if isinstance(node, ast.Attribute)
    }
    return {*imports(each), *dotted}


def pure_modules(pattern: str) -> list[Module]:
    return [each for each in house() if fnmatch(each.path, pattern)]


def test_arrows_go_down_only() -> None:
    assert arrows_that_go_up(house()) == []


@pytest.mark.parametrize("pattern", PURE)
def test_a_pure_module_reaches_no_database_store_or_server(pattern: str) -> None:
    found = pure_modules(pattern)

    if not found:
        pytest.skip(f"{pattern} is not built yet")
    assert [violation for each in found for violation in impurities(house(), each)] == []


@pytest.mark.parametrize(
    "rule", [store_clients_outside_the_store, dependencies_outside_their_module, sql_outside_queries]
)
def test_each_heavy_library_is_used_in_its_own_place(rule: Rule) -> None:
    assert rule(house()) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        pytest.param("ingest/app.py", "import curation.run", id="rooms-do-not-import-one-another"),
        pytest.param("corpus/keys.py", "from ingest import withdraw", id="the-ground-floor-knows-no-room"),
        pytest.param("export/build.py", "from loanword.cli import main", id="nobody-imports-the-roof"),
        pytest.param("ingest/api/app.py", "from ...curation import run", id="a-relative-import-hides-nothing"),
        pytest.param("corpus/keys.py", "def f():\n    import ingest", id="nor-does-a-function"),
        pytest.param("migrations/versions/2026_first.py", "from corpus import tables", id="migrations-use-raw-names"),
        pytest.param("loanword/demo.py", "import tests.factories", id="the-tests-are-no-library"),
    ],
)
def test_an_arrow_that_goes_up_is_found(path: str, source: str) -> None:
    assert arrows_that_go_up([module(path, source)]) != []


def test_the_migration_environment_may_look_at_the_tables() -> None:
    assert arrows_that_go_up([module("migrations/env.py", "from corpus.tables import Table")]) == []


def test_an_impurity_is_found_through_another_module() -> None:
    pure = module("export/splits.py", "from corpus import keys")
    through = module("corpus/keys.py", "from corpus.database import Database")
    impure = module("corpus/database.py", "import sqlalchemy.orm")

    assert len(impurities([pure, through, impure], pure)) == 1


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        pytest.param(store_clients_outside_the_store, "from botocore.config import Config", id="s3"),
        pytest.param(dependencies_outside_their_module, "from fastapi import Depends", id="depends"),
        pytest.param(dependencies_outside_their_module, "import fastapi\nfastapi.Depends(f)", id="depends-by-dot"),
        pytest.param(sql_outside_queries, "from sqlalchemy import select", id="select"),
        pytest.param(sql_outside_queries, "from sqlalchemy.dialects.sqlite import insert", id="dialect-insert"),
        pytest.param(sql_outside_queries, "import sqlalchemy as sa\nsa.text('SELECT 1')", id="text-by-dot"),
        pytest.param(sql_outside_queries, "connection.exec_driver_sql('SELECT 1')", id="raw-sql"),
    ],
)
def test_a_heavy_library_out_of_place_is_found(rule: Rule, source: str) -> None:
    assert rule([module("ingest/record_utterance.py", source)]) != []
