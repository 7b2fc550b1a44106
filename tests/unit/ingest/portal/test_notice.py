"""A notice as the page shows it, and in which language."""

import pytest

from corpus.ledger import canonical
from corpus.settings import Settings
from corpus.tables import ConsentNotice
from corpus.words import Purpose
from ingest.portal.notice import as_html, choose, stated
from ingest.terms import terms_of


def shown_in(*locales: str) -> list[ConsentNotice]:
    return [ConsentNotice(version="1", locale=locale, wording=locale) for locale in locales]


def test_every_word_of_it_is_shown() -> None:
    wording = "# One\n\nTwo **three** *four*.\n\n- five\n- six\n\n## Seven"

    html = as_html(wording)

    assert html == (
        "<h3>One</h3>\n<p>Two <strong>three</strong> <em>four</em>.</p>\n"
        "<ul>\n<li>five</li>\n<li>six</li>\n</ul>\n<h4>Seven</h4>\n"
    )


@pytest.mark.parametrize(
    "wording",
    [
        "<script>f()</script>",
        "[x](javascript:f())",
        "a <img src=x onerror=f()> b",
        "[x](data:text/html,x)",
    ],
    ids=["script", "javascript-link", "image", "data-link"],
)
def test_nothing_in_it_runs(wording: str) -> None:
    html = as_html(wording)

    assert not any(each in html for each in ("<script", "<img", 'href="javascript', 'href="data'))


@pytest.mark.parametrize(
    ("asked", "accepted", "locale"),
    [
        pytest.param("de-DE", "en", "de-DE", id="asked-for"),
        pytest.param("fr-FR", "de-AT,en;q=0.5", "de-DE", id="what-the-browser-accepts-in-its-order"),
        pytest.param("", "pt", "en-US", id="the-server-s-own"),
        pytest.param("", "", "en-US", id="nothing-said"),
        pytest.param("EN-us", "", "en-US", id="whatever-the-case"),
    ],
)
def test_the_language_is_the_nearest_to_the_reader(asked: str, accepted: str, locale: str) -> None:
    chosen = choose(shown_in("de-DE", "en-US"), asked, accepted, "en-US")

    assert chosen is not None
    assert chosen.locale == locale


def test_without_a_notice_there_is_none() -> None:
    assert choose([], "de-DE", "en", "en-US") is None


def test_what_was_stated_beside_it_is_told_purpose_by_purpose() -> None:
    settings = Settings(controller_name="Voices e. V.", controller_contact="voices@example.org", jurisdiction="DE")

    told = stated(canonical(terms_of(settings)).decode())

    assert (told.controller, told.jurisdiction) == ("Voices e. V., voices@example.org", "DE")
    assert set(told.recipients) == set(told.retention) == set(Purpose)


def test_a_notice_without_terms_states_nothing() -> None:
    told = stated("{}")

    assert (told.controller, told.validity, told.recipients) == ("", "", {})
