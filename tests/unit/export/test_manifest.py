"""Which rows a manifest takes, and that what it writes reads back."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.alphabet import alphabet_of
from corpus.errors import BadManifest
from corpus.words import Split
from export.manifest import (
    LeftOut,
    ReleasedClip,
    Row,
    feature_frames,
    format_clip,
    format_csv,
    frames_needed,
    is_locale_within,
    judge,
    parse_clip,
    parse_csv,
)
from export.policy import Policy

ONE_SECOND = 16_000
labels = st.text(" abcdefghijklmnopqrstuvwxyz'", min_size=1, max_size=60)
hexadecimal = st.text("0123456789abcdef", min_size=32, max_size=32)
clips = st.builds(
    ReleasedClip,
    wav_filename=hexadecimal.map(lambda digits: f"clips/{digits[:2]}/{digits}.wav"),
    sha256=hexadecimal,
    split=st.sampled_from(Split),
    speaker=hexadecimal,
    locale=st.sampled_from(["en-US", "en-GB"]),
    samples=st.integers(512, 320_000),
    shard=st.just("archives/train-00000.tar"),
    transcript=st.text(min_size=1),
    label_source=st.sampled_from(["review", "device"]),
    up_votes=st.integers(0, 9),
    down_votes=st.integers(0, 9),
    confidence=st.none() | st.floats(0, 1),
    snr_db=st.none() | st.floats(-20, 80),
    tags=st.lists(st.text(max_size=5), max_size=3).map(tuple),
)


@given(st.lists(st.builds(Row, hexadecimal, st.integers(44, 10**7), labels)))
def test_a_csv_reads_back_shortest_clip_first(rows: list[Row]) -> None:
    assert parse_csv(format_csv(rows)) == sorted(rows, key=lambda row: (row.wav_filesize, row.wav_filename))


def test_a_csv_is_utf_8_without_bom_with_bare_newlines_and_quotes_only_where_it_must() -> None:
    text = format_csv([Row("clips/3f/3f9a.wav", 64044, "turn on the lights"), Row("clips/aa/aa.wav", 60, 'a "b", c')])

    assert text == (
        'wav_filename,wav_filesize,transcript\nclips/aa/aa.wav,60,"a ""b"", c"\n'
        "clips/3f/3f9a.wav,64044,turn on the lights\n"
    )


@given(st.lists(st.builds(Row, hexadecimal, st.integers(44, 10**7), labels), max_size=5))
def test_python_reads_the_csv_as_deepspeech_does(rows: list[Row]) -> None:
    read = list(csv.DictReader(io.StringIO(format_csv(rows), newline="")))

    assert sorted((row["wav_filename"], int(row["wav_filesize"]), row["transcript"]) for row in read) == sorted(
        (row.wav_filename, row.wav_filesize, row.transcript) for row in rows
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("\ufeffwav_filename,wav_filesize,transcript\n", id="byte-order-mark"),
        pytest.param("wav_filename,transcript\n", id="a-column-short"),
        pytest.param("wav_filename,wav_filesize,transcript\na,1.5,b\n", id="a-size-with-a-fraction"),
        pytest.param("wav_filename,wav_filesize,transcript\na,1,b,c\n", id="a-fourth-field"),
    ],
)
def test_a_csv_that_is_not_ours_is_refused(text: str) -> None:
    with pytest.raises(BadManifest):
        parse_csv(text)


@given(clips)
def test_a_line_of_clips_jsonl_reads_back(clip: ReleasedClip) -> None:
    line = format_clip(clip)

    assert parse_clip(line) == clip
    assert line.count("\n") == 1


@pytest.mark.parametrize("line", ["", "{}", "[]", "null", '{"wav_filename": "a"}'])
def test_a_line_that_is_not_ours_is_refused(line: str) -> None:
    with pytest.raises(BadManifest):
        parse_clip(line)


def test_a_line_that_contradicts_itself_is_refused() -> None:
    line = '{"wav_filename":"a","sha256":"b","split":"dev","speaker":"c","locale":"en-US","duration_s":2.0,'
    line += '"samples":16000,"shard":"d","transcript":"e","label_source":"review","confidence":null,"reviews":1,'
    line += '"up_votes":1,"down_votes":0,"snr_db":null,"tags":[]}'

    with pytest.raises(BadManifest, match="contradicts"):
        parse_clip(line)


@pytest.mark.parametrize(
    ("samples", "frames"),
    [
        pytest.param(511, 0, id="less-than-a-window"),
        pytest.param(512, 1, id="one-window"),
        pytest.param(831, 1, id="a-sample-short-of-the-next"),
        pytest.param(832, 2, id="the-next"),
        pytest.param(ONE_SECOND, 49, id="one-second"),
    ],
)
def test_feature_frames_are_counted_as_deepspeech_does(samples: int, frames: int) -> None:
    assert feature_frames(samples) == frames


@pytest.mark.parametrize(
    ("label", "judged"),
    [
        pytest.param("a" + "bc" * 24, None, id="49-characters-in-49-frames"),
        pytest.param("ab" * 25, LeftOut.TOO_FAST, id="50-characters-in-49-frames"),
        pytest.param("ab" * 23 + "cc", None, id="48-characters-one-of-them-doubled"),
        pytest.param("ab" * 23 + "acc", LeftOut.TOO_FAST, id="49-characters-one-of-them-doubled"),
    ],
)
def test_a_transcript_must_fit_the_frames_that_ctc_needs(label: str, judged: LeftOut | None) -> None:
    assert judge(label, ONE_SECOND, "en-US", Policy(), alphabet_of("en")) == (judged or label)


def test_a_double_letter_needs_a_frame_more() -> None:
    assert frames_needed("hello") == 6


@pytest.mark.parametrize(
    ("text", "samples", "locale", "judged"),
    [
        pytest.param("Turn on, please!", ONE_SECOND, "en-US", "turn on please", id="normalised"),
        pytest.param("hello", ONE_SECOND, "de-DE", LeftOut.ANOTHER_LOCALE, id="locale"),
        pytest.param(" ?! ", ONE_SECOND, "en-US", LeftOut.EMPTY_TRANSCRIPT, id="nothing-left"),
        pytest.param("route 66", ONE_SECOND, "en-US", "route sixty six", id="digits"),
        pytest.param("café", ONE_SECOND, "en-US", LeftOut.OUTSIDE_ALPHABET, id="letters-that-are-not-english"),
        pytest.param("no", 4_799, "en-US", LeftOut.TOO_SHORT, id="a-sample-short-of-the-minimum"),
        pytest.param("no", 4_800, "en-US", "no", id="exactly-the-minimum"),
        pytest.param("no", 160_000, "en-US", "no", id="exactly-the-maximum"),
        pytest.param("no", 160_001, "en-US", LeftOut.TOO_LONG, id="a-sample-over-the-maximum"),
    ],
)
def test_a_clip_is_released_or_left_out_for_a_reason(
    text: str, samples: int, locale: str, judged: str | LeftOut
) -> None:
    assert judge(text, samples, locale, Policy(), alphabet_of("en")) == judged


def test_a_clip_shorter_than_one_window_is_too_short_for_any_policy() -> None:
    assert judge("a", 511, "en-US", Policy(min_duration_s=0.01), alphabet_of("en")) is LeftOut.TOO_SHORT


@pytest.mark.parametrize(
    ("locale", "wanted", "within"),
    [
        ("en-us", "en-US", True),
        ("en_US", "en-US", True),
        ("en-GB", "en", True),
        ("en", "en-US", False),
        ("en-GB", "en-US", False),
        ("eng", "en", False),
    ],
)
def test_a_locale_is_within_its_language(locale: str, wanted: str, within: bool) -> None:
    assert is_locale_within(locale, wanted) is within
