"""The report says what was measured, and nothing else."""

from tests.trust.__main__ import PAGE, RECORDS
from tests.trust.report import Measured, load, render, together
from tests.trust.results import Result
from tests.trust.targets import TARGETS


def measured(*, target: str = "2", ground: str = "SQLite + directory", n: int = 1400, failures: list[str]) -> Measured:
    return Measured(Result(target, "uploads", ground, n, 1, failures), "2026-03-01", "abc1234", 1.0)


def test_a_target_without_failures_has_its_bound() -> None:
    assert "| 1,400 | 0 | 0.21 % |" in render([measured(failures=[])])


def test_a_failure_is_counted_shown_and_leaves_no_bound() -> None:
    page = render([measured(failures=["a voice was kept"])])

    assert "| 1,400 | 1 | – |" in page
    assert "**1 failures.**" in page
    assert "  - a voice was kept" in page


def test_what_was_not_measured_is_listed_so() -> None:
    page = render([])

    assert page.count("Not measured yet.") == len(TARGETS)
    assert all(f"- Target {target.number}: " in page for target in TARGETS)


def test_a_new_measurement_replaces_the_one_before_on_its_ground_alone() -> None:
    earlier = [measured(n=7, failures=[]), measured(n=8, ground="PostgreSQL + SeaweedFS", failures=[])]

    kept = together(earlier, [measured(n=9, failures=[])])

    assert [each.result.n for each in kept] == [9, 8]


def test_the_page_in_the_docs_is_the_one_of_the_records() -> None:
    assert PAGE.read_text("utf-8") == render(load(RECORDS))
