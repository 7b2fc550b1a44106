"""The codes that people read from one screen and type on another."""

import pytest

from ingest.pairing import codes


def test_a_code_is_eight_consonants_shown_in_two_halves() -> None:
    made = {codes.new_user_code() for _ in range(200)}

    assert len(made) == 200
    assert all(len(code) == 8 and set(code) <= set(codes.ALPHABET) for code in made)
    assert not set(codes.ALPHABET) & set("AEIOUY0123456789")
    assert codes.shown("BCDFGHJK") == "BCDF-GHJK"


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param("BCDF-GHJK", id="as-shown"),
        pytest.param("bcdfghjk", id="small-and-joined"),
        pytest.param("  bcdf – GHJK \n", id="another-dash-and-spaces"),
    ],
)
def test_case_spaces_and_dashes_do_not_matter(typed: str) -> None:
    assert codes.as_typed(typed) == "BCDFGHJK"


def test_what_is_typed_has_an_end() -> None:
    assert len(codes.as_typed("B" * 10_000)) <= codes.LONGEST_TYPED
