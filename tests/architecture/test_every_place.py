"""docs/erasure.md names every place where something of a person lies: every table, kind of object and setting."""

import re
from collections.abc import Callable

import pytest

from corpus import object_keys
from corpus.settings import Settings
from corpus.tables import Holds, Table
from tests.architecture.source import ROOT

NOBODYS_TABLES = {"consent_notices", "releases", "release_files", "release_serials"}
"""Tables that hold nothing of anybody, and that the page need not name. Every other one is named."""

DATA_SETTINGS = re.compile(r"home|database_url|.*_store|(master|signing)_key_file|.*_retention")
"""Settings that say where data lies, or for how long."""


def page() -> str:
    return (ROOT / "docs" / "erasure.md").read_text("utf-8")


def unnamed_tables(text: str) -> list[str]:
    return [name for name in sorted(Table.metadata.tables) if name not in NOBODYS_TABLES and f"`{name}`" not in text]


def unnamed_prefixes(text: str) -> list[str]:
    """Of everything that `corpus/object_keys.py` makes a name for."""
    declared = {value for value in vars(object_keys).values() if isinstance(value, str) and value.endswith("/")}
    return sorted(prefix for prefix in {*declared, "releases/"} if f"`{prefix}`" not in text)


def unnamed_settings(text: str) -> list[str]:
    names = [name for name in Settings.model_fields if DATA_SETTINGS.fullmatch(name)]
    return [name for name in names if f"`LOANWORD_{name.upper()}`" not in text]


@pytest.mark.parametrize("unnamed", [unnamed_tables, unnamed_prefixes, unnamed_settings])
def test_every_place_is_named(unnamed: Callable[[str], list[str]]) -> None:
    assert unnamed(page()) == []


@pytest.mark.parametrize("unnamed", [unnamed_tables, unnamed_prefixes, unnamed_settings])
def test_a_place_that_is_not_named_is_found(unnamed: Callable[[str], list[str]]) -> None:
    assert len(unnamed("")) > 4


def test_a_table_that_may_be_left_out_holds_nothing_of_anybody() -> None:
    columns = [column for name in NOBODYS_TABLES for column in Table.metadata.tables[name].columns]

    assert [str(column) for column in columns if column.info["holds"] is not Holds.OPERATIONAL] == []
