"""Erasure follows what each column declares, on every table that there is and on one that nobody thought of."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, MetaData, String, func, insert, select
from sqlalchemy import Table as SqlTable

from corpus import erasure_queries
from corpus.collaborators import Collaborators
from corpus.tables import GoesWith, Holds, Table, Utterance
from tests.factories import Lender, make_clip, make_hypothesis, make_lender

VOICE = {"holds": Holds.PERSONAL, "goes_with": GoesWith.VOICE}
POINTS_AT_VOICE = {"holds": Holds.PSEUDONYMOUS, "goes_with": GoesWith.VOICE}
IDENTITY = {"holds": Holds.PSEUDONYMOUS, "goes_with": GoesWith.IDENTITY}
NOBODYS = {"holds": Holds.OPERATIONAL, "goes_with": None}


@contextmanager
def a_new_table(house: Collaborators, *columns: "Column[Any]") -> Iterator[SqlTable]:
    """One that the mappings do not know, in the same database, with metadata of its own."""
    scratch = MetaData()
    for table in Table.metadata.sorted_tables:
        table.to_metadata(scratch)
    diaries = SqlTable("diaries", scratch, Column("id", Integer, primary_key=True, info=NOBODYS), *columns)
    with house.database.writing() as session:
        diaries.create(session.connection())
    yield diaries


def count(house: Collaborators, table: SqlTable) -> int:
    with house.database.reading() as session:
        return session.connection().execute(select(func.count()).select_from(table)).scalar() or 0


def write(house: Collaborators, table: SqlTable, *rows: Mapping[str, object]) -> None:
    with house.database.writing() as session:
        session.connection().execute(insert(table), list(rows))


def test_a_table_that_nobody_thought_of_goes_with_the_recording(house: Collaborators) -> None:
    gone, stays = make_lender(house), make_lender(house)
    clips = {each: make_clip(house, each, label="a") for each in (gone, stays)}
    points = Column("clip_id", String(32), ForeignKey("clips.id"), info=POINTS_AT_VOICE)
    with a_new_table(house, points, Column("notes", LargeBinary, info=VOICE)) as diaries:
        write(house, diaries, *({"clip_id": clip, "notes": b"sealed"} for clip in clips.values()))

        with house.database.writing() as session:
            which = diaries.metadata.tables["utterances"].c.account_id == gone.account_id
            erasure_queries.delete_recordings(session, which, diaries.metadata)

        with house.database.reading() as session:
            left = session.connection().execute(select(diaries.c.clip_id)).scalars().all()
        assert left == [clips[stays]]


@pytest.mark.parametrize("also", ["nothing", "identity"])
def test_a_table_that_nobody_thought_of_loses_what_goes_with_the_voice(house: Collaborators, also: str) -> None:
    """Its rows where they tell of nothing else, and else those columns alone."""
    gone, stays = make_lender(house), make_lender(house)
    whose = Column("account_id", String(32), ForeignKey("accounts.id"), nullable=False, info=IDENTITY)
    more = [Column("nickname", String(32), info=IDENTITY)] if also == "identity" else []
    with a_new_table(house, whose, Column("notes", LargeBinary, info=VOICE), *more) as diaries:
        write(house, diaries, *({"account_id": each.account_id, "notes": b"sealed"} for each in (gone, stays)))

        with house.database.writing() as session:
            erasure_queries.forget_voice_elsewhere(session, gone.account_id, diaries.metadata)

        with house.database.reading() as session:
            notes = session.connection().execute(select(diaries.c.account_id, diaries.c.notes)).all()
        expected = {(stays.account_id, b"sealed")} | ({(gone.account_id, None)} if more else set())
        assert {tuple(row) for row in notes} == expected


@pytest.mark.parametrize("nullable", [False, True], ids=["goes-with-its-rows", "is-emptied"])
def test_a_table_that_nobody_thought_of_forgets_a_closed_account(house: Collaborators, nullable: bool) -> None:
    gone = make_lender(house, purposes=[])
    whose = Column("account_id", String(32), ForeignKey("accounts.id"), nullable=nullable, info=IDENTITY)
    with a_new_table(house, whose) as diaries:
        write(house, diaries, {"account_id": gone.account_id})

        with house.database.writing() as session:
            erasure_queries.forget_account(session, gone.account_id, diaries.metadata)
            erasure_queries.delete_account(session, gone.account_id)

        with house.database.reading() as session:
            left = session.connection().execute(select(diaries.c.account_id)).scalars().all()
        assert left == ([None] if nullable else [])


def test_nothing_of_any_person_is_out_of_reach() -> None:
    assert erasure_queries.out_of_reach() == []


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param([Column("notes", LargeBinary, info=VOICE)], id="points-at-nobody"),
        pytest.param(
            [
                Column("account_id", String(32), ForeignKey("accounts.id"), info=IDENTITY),
                Column("nickname", String(32), info=IDENTITY),
                Column("notes", LargeBinary, nullable=False, info=VOICE),
            ],
            id="cannot-be-emptied",
        ),
    ],
)
def test_a_table_that_no_erasure_would_reach_is_found(columns: "list[Column[Any]]") -> None:
    scratch = MetaData()
    for table in Table.metadata.sorted_tables:
        table.to_metadata(scratch)
    SqlTable("diaries", scratch, Column("id", Integer, primary_key=True, info=NOBODYS), *columns)

    assert [line for line in erasure_queries.out_of_reach(scratch) if "diaries" in line] != []


def test_a_recording_goes_with_every_row_about_it(house: Collaborators) -> None:
    lender = make_lender(house)
    clip_id = make_clip(house, lender, label="lights on")
    make_hypothesis(house, lender, clip_id, "lights on")

    with house.database.writing() as session:
        rows = erasure_queries.delete_recordings(session, Utterance.account_id == lender.account_id)

    assert rows == 4  # utterance, clip, label, hypothesis
    assert owned_rows(house, lender) == []


def owned_rows(house: Collaborators, lender: Lender) -> list[str]:
    """Tables below utterances that still have rows."""
    below = erasure_queries.Tree.below(Table.metadata, "utterances")
    return [table.name for table in (below.root, *below.links) if count(house, table)]
