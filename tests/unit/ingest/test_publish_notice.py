"""What a notice file says."""

import pytest

from corpus.errors import BadRequest
from ingest.publish_notice import parse_notice


@pytest.mark.parametrize(
    ("text", "version", "wording"),
    [
        pytest.param("version: 2026-03\n\nWe keep.", "2026-03", "We keep.", id="front-line"),
        pytest.param("Version: v1\r\nWe keep.", "v1", "We keep.", id="no-empty-line"),
        pytest.param("We keep.", "c7ad9e14325e", "We keep.", id="no-front-line"),
    ],
)
def test_a_notice_names_its_version_or_is_named_by_its_digest(text: str, version: str, wording: str) -> None:
    assert parse_notice(text) == (version, wording)


@pytest.mark.parametrize("text", ["", "version: 1\n\n  ", "version: a/b\n\nx", "x" * 100_001])
def test_a_notice_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_notice(text)
