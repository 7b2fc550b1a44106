"""Which bytes a `Range` header asks for."""

import pytest

from corpus.errors import RangeUnsatisfiable
from corpus.web.ranges import byte_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param("bytes=0-", (0, 100), id="all-as-a-range"),
        pytest.param("bytes=0-1", (0, 2), id="the-probe-of-a-player"),
        pytest.param("bytes=99-", (99, 100), id="the-last-byte"),
        pytest.param("bytes=90-500", (90, 100), id="past-the-end"),
        pytest.param("bytes=-10", (90, 100), id="the-last-ten"),
        pytest.param("bytes=-500", (0, 100), id="more-than-there-is-from-the-end"),
        pytest.param(None, None, id="no-header"),
        pytest.param("bytes=0-1,5-6", None, id="several"),
        pytest.param("bytes=5-4", None, id="backwards"),
        pytest.param("bytes=-", None, id="empty"),
        pytest.param("lines=0-1", None, id="another-unit"),
        pytest.param("bytes=" + "9" * 5000 + "-", None, id="absurd"),
    ],
)
def test_a_range_is_read_as_the_rfc_says(header: str | None, expected: tuple[int, int] | None) -> None:
    assert byte_range(header, 100) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_outside_the_bytes_is_refused(header: str) -> None:
    with pytest.raises(RangeUnsatisfiable) as refused:
        byte_range(header, 100)

    assert refused.value.size_bytes == 100
