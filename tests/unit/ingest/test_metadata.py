"""What a device says of a recording."""

from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.errors import BadMetadata
from ingest import metadata
from ingest.metadata import CLOCK_SKEW, LONGEST_TRANSCRIPT, Metadata

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
words = st.lists(
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Z"]), min_size=1, max_size=12), min_size=1, max_size=20
).map(" ".join)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(
    NOW.replace(tzinfo=None) - timedelta(days=20_000),
    NOW.replace(tzinfo=None) + timedelta(days=20_000),
    timezones=zones,
)


@given(words, times)
def test_what_is_said_in_the_query_is_understood(transcript: str, captured_at: datetime) -> None:
    query = urlencode({"transcript": transcript, "captured_at": captured_at.isoformat(), "locale": "en-us"}).encode()

    assert metadata.from_request(query, {}) == Metadata(transcript, "en-US", captured_at.astimezone(UTC))


@given(words, times)
def test_what_is_said_in_headers_is_understood(transcript: str, captured_at: datetime) -> None:
    headers = {"loanword-transcript": quote(transcript), "loanword-captured-at": captured_at.isoformat()}

    assert metadata.from_request(b"", headers) == Metadata(transcript, None, captured_at.astimezone(UTC))


@given(st.binary(max_size=200), st.dictionaries(st.sampled_from(list(metadata.HEADERS.values())), st.text(max_size=50)))
def test_nothing_that_is_said_raises_anything_but_a_refusal(query: bytes, headers: dict[str, str]) -> None:
    try:
        said = metadata.from_request(query, headers)
    except BadMetadata:
        return
    assert said.captured_at is None or said.captured_at.tzinfo is UTC
    assert said.transcript is None or len(said.transcript) <= LONGEST_TRANSCRIPT


@given(times, st.integers(-(10**9), 10**9))
def test_a_recording_is_never_made_after_now(said: datetime, offset_s: int) -> None:
    now = said.astimezone(UTC) + timedelta(seconds=offset_s)

    try:
        captured_at = metadata.capture_time(said, now)
    except BadMetadata:
        assert said > now + CLOCK_SKEW
    else:
        assert captured_at == min(said, now)


def test_the_query_is_believed_before_a_header() -> None:
    said = metadata.from_request(b"transcript=one", {"loanword-transcript": "two", "loanword-locale": "de"})

    assert said == Metadata("one", "de", None)


def test_a_field_of_the_body_is_believed_last() -> None:
    assert Metadata(transcript="one").or_else(Metadata("two", "de", NOW)) == Metadata("one", "de", NOW)


def test_a_recording_without_a_time_was_made_now() -> None:
    assert metadata.capture_time(None, NOW) == NOW


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("en", "en"),
        ("EN-us", "en-US"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("de-ch-1996", "de-CH-1996"),
    ],
)
def test_a_locale_is_written_in_the_usual_case(text: str, locale: str) -> None:
    assert metadata.parse_locale(text) == locale


@pytest.mark.parametrize("text", ["", "english", "en_US", "en-", "e", "en-US\n", "x" * 36, "én-US", "../etc"])
def test_what_is_no_language_tag_is_refused(text: str) -> None:
    with pytest.raises(BadMetadata):
        metadata.parse_locale(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2026-03-01T12:00:00", id="no-zone"),
        pytest.param("2026-03-01", id="no-time"),
        pytest.param("2026-02-30T12:00:00Z", id="no-such-day"),
        pytest.param("2026-03-01T25:00:00Z", id="no-such-hour"),
        pytest.param("0001-01-01T00:00:00+14:00", id="before-all-time"),
        pytest.param("1772366400", id="seconds"),
        pytest.param("2026-03-01T12:00:00Z\n", id="a-line"),
        pytest.param("２０２６-03-01T12:00:00Z", id="other-digits"),
    ],
)
def test_what_is_no_time_with_a_zone_is_refused(text: str) -> None:
    with pytest.raises(BadMetadata):
        metadata.parse_time(text)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        pytest.param("2026-03-01T13:00:00.1234567+01:00", NOW.replace(microsecond=123456), id="finer-than-we-keep"),
        pytest.param("2026-03-01t12:00:00z", NOW, id="small-letters"),
        pytest.param("2026-03-01T13:00:00 01:00", NOW, id="a-plus-that-a-query-lost"),
    ],
)
def test_a_time_is_read_as_rfc_3339_says(text: str, at: datetime) -> None:
    assert metadata.parse_time(text) == at


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        pytest.param(b"transcript=%ff", {}, id="not-utf-8"),
        pytest.param(b"transcript=a%00b", {}, id="a-null"),
        pytest.param(b"transcript=a%1bb", {}, id="an-escape"),
        pytest.param(b"transcript=" + b"a" * 1001, {}, id="too-long"),
        pytest.param(b"transcript=a&transcript=b", {}, id="said-twice"),
        pytest.param(b"x=" + b"a" * 20_000, {}, id="a-query-too-long"),
        pytest.param(b"", {"loanword-transcript": "%ff"}, id="a-header-not-utf-8"),
        pytest.param(b"", {"loanword-locale": "en_US"}, id="a-locale-of-another-kind"),
    ],
)
def test_bad_metadata_is_refused(query: bytes, headers: dict[str, str]) -> None:
    with pytest.raises(BadMetadata):
        metadata.from_request(query, headers)


def test_silence_in_words_is_no_transcript() -> None:
    assert metadata.from_request(b"transcript=%20%09&locale=", {}) == Metadata()
