"""Every column says what it holds of a person and what it goes with, so that no erasure can forget it."""

from sqlalchemy import Column
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from corpus.sealed import Sealed
from corpus.tables import GoesWith, Holds, Table


def unclassified(columns: list[Column[object]]) -> list[str]:
    return [
        f"{column.table.name}.{column.name}: declare it with personal(), pseudonymous() or operational()"
        for column in columns
        if not isinstance(column.info.get("holds"), Holds)
        or (column.info["holds"] is not Holds.OPERATIONAL) != isinstance(column.info.get("goes_with"), GoesWith)
    ]


def all_columns() -> list[Column[object]]:
    return [column for table in Table.metadata.sorted_tables for column in table.columns]


def test_every_column_is_classified() -> None:
    assert unclassified(all_columns()) == []


def test_a_column_without_a_class_is_found() -> None:
    class OtherBase(DeclarativeBase):
        pass

    class Diary(OtherBase):
        __tablename__ = "diaries"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert unclassified([*Diary.metadata.tables["diaries"].columns]) != []


def test_what_is_sealed_is_personal_and_what_is_personal_is_sealed_or_hashed() -> None:
    sealed = {str(column) for column in all_columns() if isinstance(column.type, Sealed)}
    personal = {str(column) for column in all_columns() if column.info["holds"] is Holds.PERSONAL}

    assert personal - sealed == {"accounts.password_hash"}
    assert sealed <= personal


def test_what_points_at_a_person_is_pseudonymous() -> None:
    pointing = [
        column
        for column in all_columns()
        for key in column.foreign_keys
        if key.column.info["holds"] is not Holds.OPERATIONAL
    ]

    assert [str(column) for column in pointing if column.info["holds"] is Holds.OPERATIONAL] == []
