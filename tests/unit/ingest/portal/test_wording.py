"""The portal has words for everything that it may have to say."""

from datetime import UTC, datetime
from importlib import resources

from corpus.demographics import ANSWERS
from corpus.words import ConsentAct, ErasureKind, Purpose, RejectReason, ReleaseState
from curation.verdict import DropReason
from ingest.own.clips import WordsFrom
from ingest.own.state import ClipState
from ingest.portal import wording


def test_every_closed_set_has_its_words() -> None:
    assert set(wording.PURPOSES) == set(Purpose)
    assert set(wording.ACTS) == set(ConsentAct)
    assert set(wording.STATES) == set(ClipState)
    assert set(wording.ERASURES) == set(ErasureKind)
    assert set(wording.SOURCES) == set(WordsFrom)
    assert set(wording.RELEASE_STATES) == set(ReleaseState)
    assert set(wording.FIELDS) == set(ANSWERS)


def test_every_reason_has_a_sentence() -> None:
    reasons = {*map(str, DropReason), *map(str, RejectReason)}

    assert reasons - set(wording.WHY) == set()
    assert wording.why("too_fast") == "Too fast."


def test_an_answer_is_said_as_people_say_it() -> None:
    assert wording.answer("18_29") == "18 to 29"
    assert wording.answer("britain_and_ireland") == "Britain and Ireland"


def test_times_sizes_and_counts() -> None:
    assert wording.moment(datetime(2026, 3, 1, 9, 5, tzinfo=UTC)) == "1 March 2026, 09:05 UTC"
    assert [wording.size(each) for each in (1, 48_400, 2_340_000)] == ["1 kB", "48 kB", "2.3 MB"]
    assert [wording.many(each, "recording") for each in (0, 1, 1200)] == [
        "0 recordings",
        "1 recording",
        "1,200 recordings",
    ]


def test_no_page_calls_a_voice_anonymous() -> None:
    templates = resources.files("ingest.portal").joinpath("templates").iterdir()
    texts = [*(each.read_text("utf-8") for each in templates), str(vars(wording))]

    assert [text for text in texts if "anonym" in text.lower()] == []
