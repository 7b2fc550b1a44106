"""Figures of curation are of speakers that nothing was tuned on, and their page says what was measured."""

from pathlib import Path

import pytest

from benchmarks.curation.__main__ import DOCS, RECORDS, main
from benchmarks.curation.halves import Half, half_of, halves
from benchmarks.curation.report import Measured, dump, front, load, pages, together
from benchmarks.curation.section import SECTIONS, Section, Table


def measured(name: str, n: int = 3) -> Measured:
    table = Table(["source", "n", "WER, %"], [["kitchen | hall", 1200, 4.5], ["attic", 0, None]])
    section = Section(n, [table], "Heard.")
    return Measured(name, name.title(), section, Half.REPORTED, 3, "2026-03-01", "abc1234", 1.0)


def test_the_pages_in_the_docs_are_those_of_the_records() -> None:
    assert {path.name: path.read_text("utf-8") for path in DOCS.glob("curation*.md")} == pages(load(RECORDS))


def test_records_read_back_make_the_same_pages(tmp_path: Path) -> None:
    path = tmp_path / "records.json"
    path.write_text(dump([measured("labels")]), "utf-8")

    assert pages(load(path)) == pages([measured("labels")])


def test_a_figure_stands_beside_its_n_and_nothing_measured_is_a_dash() -> None:
    page = front([measured("labels")])

    assert "| source | n | WER, % |\n|---|--:|--:|\n| kitchen / hall | 1,200 | 4.5 |\n| attic | 0 | – |" in page


def test_the_front_page_leads_to_each_sections_own() -> None:
    found = pages([measured("personal_data")])

    assert "## [Personal_Data](curation-personal-data.md)" in found["curation.md"]
    assert found["curation-personal-data.md"].startswith("# Personal_Data\n\nHeard.\n")


def test_a_table_without_an_n_is_refused() -> None:
    with pytest.raises(ValueError, match="No figure without its n"):
        Table(["source", "WER, %"], [["kitchen", 4.5]])


def test_a_new_measurement_replaces_the_one_before_in_the_order_of_the_page() -> None:
    earlier = [measured("duplicates", 7), measured("labels", 8)]

    kept = together(earlier, [measured("duplicates", 9)])

    assert [(each.name, each.section.n) for each in kept] == [("labels", 8), ("duplicates", 9)]


def test_what_was_not_measured_is_listed_so() -> None:
    page = front([measured(name) for name in SECTIONS if name != "personal_data"])

    assert "## Not measured yet\n\npersonal data.\n" in page


def test_a_speaker_goes_by_the_digest_of_source_and_name() -> None:
    assert half_of("corpus", "ann") is Half.TUNING  # its SHA-256 begins with 0c
    assert half_of("corpus", "cid") is Half.REPORTED  # with 77


def test_a_speaker_of_several_sources_goes_whole_with_the_larger() -> None:
    rows = [("small", "cid"), ("corpus", "cid"), ("corpus", "cid"), ("corpus", "ann")]

    assert half_of("small", "cid") is Half.TUNING
    assert halves(rows) == {"cid": Half.REPORTED, "ann": Half.TUNING}


def test_without_recordings_it_says_where_it_looked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--data", str(tmp_path)])

    assert status == 2
    assert f"There is no recorded speech in {tmp_path}" in capsys.readouterr().err
