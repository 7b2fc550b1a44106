"""What a release tells people and programs of itself."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from corpus.errors import BadManifest
from corpus.words import Split
from export.counts import Counted, WarningName, count, total, warnings
from export.datasheet import NOT_MEASURED, REASONS, Subject, papers
from export.disguise import Attacks, Disguise, Figures, Method, Per, WordErrors
from export.manifest import LeftOut
from export.policy import Policy
from export.release_file import FileFacts, ReleaseFile, format_release, format_sums, parse_release

COUNTS = {Split.TRAIN: Counted(8, 2, 160_000), Split.DEV: Counted(1, 1, 16_000), Split.TEST: Counted(0, 0, 0)}
POLICY = Policy(min_speakers={Split.DEV: 2}, contact="voices@example.org", licence_text="Do as you <please>.")
SUBJECT = Subject(
    name="commands",
    version="1.0",
    snapshot_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    generator="loanword 0",
    policy=POLICY,
    counts=COUNTS,
    left_out={"too_long": 3},
    warnings=warnings(COUNTS, POLICY),
)
RELEASE = ReleaseFile(
    name="commands",
    version="1.0",
    revision=1,
    snapshot_at=SUBJECT.snapshot_at,
    generator="loanword 0",
    policy=POLICY,
    counts=COUNTS,
    left_out={"too_long": 3},
    warnings=list(SUBJECT.warnings),
    consent_root="cd" * 32,
    consent_leaves=9,
    files={"train.csv": FileFacts(10, "ab" * 32)},
)


def test_release_json_reads_back() -> None:
    assert parse_release(format_release(RELEASE)) == RELEASE


def test_release_json_of_a_newer_schema_is_refused() -> None:
    text = format_release(RELEASE).replace('"schema_version": 2', '"schema_version": 3')

    with pytest.raises(BadManifest, match="schema 3"):
        parse_release(text)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 1}'])
def test_release_json_that_is_not_ours_is_refused(text: str) -> None:
    with pytest.raises(BadManifest):
        parse_release(text)


def test_sums_are_lines_that_sha256sum_checks() -> None:
    assert format_sums({"b": FileFacts(1, "22"), "a": FileFacts(1, "11")}) == "11  a\n22  b\n"


def test_clips_are_counted_by_split_with_each_speaker_once() -> None:
    counted = count([(Split.TRAIN, "a", 10), (Split.TRAIN, "a", 20), (Split.DEV, "b", 5)])

    assert counted == {Split.TRAIN: Counted(2, 1, 30), Split.DEV: Counted(1, 1, 5), Split.TEST: Counted(0, 0, 0)}
    assert total(counted) == Counted(3, 2, 35)


def test_an_empty_split_an_unmet_minimum_and_a_missing_licence_are_named() -> None:
    assert [(each.name, each.split) for each in SUBJECT.warnings] == [
        (WarningName.UNMET_MINIMUM, Split.DEV),
        (WarningName.EMPTY_SPLIT, Split.TEST),
        (WarningName.NO_LICENCE, None),
    ]


def test_a_split_that_few_speakers_leave_empty_is_told_with_what_would_fill_it() -> None:
    alone = {**count([]), Split.TEST: Counted(5, 1, 80_000)}

    told = warnings(alone, Policy(licence_id="CC0-1.0"))

    assert [(each.name, each.split) for each in told] == [
        (WarningName.EMPTY_SPLIT, Split.TRAIN),
        (WarningName.EMPTY_SPLIT, Split.DEV),
    ]
    assert all("this release has 1 speaker: it takes more, and `min_speakers`" in each.message for each in told)


def test_a_split_that_nobody_is_wanted_in_is_told_to_be_empty_and_no_more() -> None:
    policy = Policy(shares={Split.TRAIN: 0.9, Split.DEV: 0.1, Split.TEST: 0.0}, licence_id="CC0-1.0")

    assert [each.message for each in warnings(COUNTS, policy)] == ["The split test is empty."]


@pytest.mark.parametrize("paper", ["README.md", "datasheet.html"])
def test_a_paper_says_what_its_reader_must_know(paper: str) -> None:
    text = papers(SUBJECT)[paper]

    for words in (
        "pseudonymous voice",
        "the audio and text themselves can still be matched across releases",
        "take their voice back at any time",
        "voices@example.org",
        "3: longer than the policy allows",
        "The split test is empty.",
        "LicenseRef-Unstated",
        "2026-03-01T12:00:00Z",
    ):
        assert words in text
    assert "anonymous voice" not in text.replace("pseudonymous voice", "")


def test_what_a_policy_says_cannot_become_markup() -> None:
    assert "<please>" not in papers(SUBJECT)["datasheet.html"]
    assert papers(SUBJECT)["LICENSE"] == "Do as you <please>.\n"


def test_every_reason_for_leaving_out_has_words() -> None:
    assert set(REASONS) == set(LeftOut)


def test_a_release_that_left_nothing_out_says_so() -> None:
    assert "Nothing that was reviewed" in papers(replace(SUBJECT, left_out={}))["datasheet.html"]


DISGUISE = Disguise(method=Method.MCADAMS, per=Per.SPEAKER)
MEASURED = Figures(
    method=Method.MCADAMS,
    version=1,
    per=Per.SPEAKER,
    alpha_from=0.5,
    alpha_to=0.9,
    recordings="forty people reading",
    measured_on="2026-03-01",
    attacks=Attacks(
        encoder="a small encoder",
        speakers=40,
        same_voice=1_200,
        two_voices=9_000,
        draws=3,
        undisguised=0.071,
        ignorant=0.402,
        lazy_informed=0.313,
        semi_informed=0.153,
    ),
    words=WordErrors(recogniser="whisper-tiny.en", clips=90, words=1_500, before=0.104, after=0.238),
)


def disguised(figures: Figures | None) -> Subject:
    policy = replace(POLICY, disguise=replace(DISGUISE, figures=figures))
    return replace(SUBJECT, policy=policy, warnings=warnings(COUNTS, policy))


@pytest.mark.parametrize("paper", ["README.md", "datasheet.html"])
def test_a_paper_tells_of_a_disguise_with_every_figure_beside_it(paper: str) -> None:
    text = papers(disguised(MEASURED))[paper]

    for words in (
        "disguised voice",
        "arXiv 2011.01130",
        "40 speakers, 1,200 comparisons of one voice and 9,000 of two",
        "each in 3 draws of coefficients, by a small encoder",
        "1,500 words in 90 clips, heard by whisper-tiny.en",
        "Measured on 2026-03-01, not on this release but on forty people reading",
        *("7.1 %", "40.2 %", "31.3 %", "15.3 %", "10.4 %", "23.8 %"),
    ):
        assert words in text
    assert "pseudonymous voice" not in text
    assert "anonym" not in text.lower().replace("pseudonym", "")
    assert NOT_MEASURED not in text


@pytest.mark.parametrize("paper", ["README.md", "datasheet.html"])
def test_a_paper_says_of_each_figure_that_is_missing_that_it_was_not_measured(paper: str) -> None:
    assert papers(disguised(None))[paper].count(NOT_MEASURED) == 6
    assert papers(disguised(replace(MEASURED, words=None)))[paper].count(NOT_MEASURED) == 2


def test_a_disguise_that_nobody_measured_is_warned_of() -> None:
    assert WarningName.DISGUISE_NOT_MEASURED in {each.name for each in disguised(None).warnings}
    assert WarningName.DISGUISE_NOT_MEASURED not in {each.name for each in disguised(MEASURED).warnings}


def test_release_json_says_whether_voices_are_disguised() -> None:
    plain, told = format_release(RELEASE), format_release(replace(RELEASE, policy=disguised(MEASURED).policy))

    assert '"voices": "pseudonymous"' in plain
    assert '"voices": "disguised"' in told
    assert parse_release(told).policy.disguise == replace(DISGUISE, figures=MEASURED)
