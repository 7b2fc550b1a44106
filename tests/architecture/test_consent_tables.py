"""The consent tables are named in one place, so that the one rule is asked in one place."""

import ast
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch

import pytest

from tests.architecture.source import Module, docstrings, house, module

NAMED_IN = (
    "corpus/tables.py",
    "corpus/queries.py",
    "corpus/ledger_queries.py",
    "corpus/audit_queries.py",
    "migrations/*",
)
CONSENT_TABLES = re.compile(r"\b(ConsentEvent|consent_events|LedgerLeaf|ledger_leaves)\b")


def consent_tables_named_elsewhere(modules: Iterable[Module]) -> list[str]:
    return [
        f"{each.path}:{line} names {name}: start from corpus.queries.usable_clips(), or ask corpus.queries"
        for each in modules
        if not any(fnmatch(each.path, pattern) for pattern in NAMED_IN)
        for line, written in _names(each.tree)
        for name in CONSENT_TABLES.findall(written)
    ]


def _names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every name and every string that is not prose, with its line."""
    prose = docstrings(tree)
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Constant(value=str(text)) if node not in prose:
                yield line, text
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name) | ast.ClassDef(name=name):
                yield line, name
            case ast.arg(arg=name) | ast.keyword(arg=str(name)) | ast.FunctionDef(name=name):
                yield line, name


def test_only_the_queries_name_the_consent_tables() -> None:
    assert consent_tables_named_elsewhere(house()) == []


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("from corpus.tables import ConsentEvent", id="imported"),
        pytest.param("from corpus import tables\ntables.LedgerLeaf", id="by-dot"),
        pytest.param("sql = 'SELECT * FROM consent_events'", id="in-a-statement"),
        pytest.param("sql = f'DELETE FROM ledger_leaves WHERE x = {x}'", id="in-a-formatted-statement"),
        pytest.param("getattr(tables, 'ConsentEvent')", id="by-string"),
    ],
)
def test_a_consent_table_named_elsewhere_is_found(source: str) -> None:
    assert consent_tables_named_elsewhere([module("export/queries.py", source)]) != []


def test_prose_may_name_them() -> None:
    assert consent_tables_named_elsewhere([module("export/queries.py", '"""Never reads consent_events."""')]) == []
