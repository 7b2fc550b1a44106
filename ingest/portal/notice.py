"""Shows a consent notice: its wording is Markdown, and all of it is shown.

HTML in it stays text. Its headings go below the page's own, so that a screen reader's outline stays in order.
"""

from collections.abc import Sequence

from markdown_it import MarkdownIt
from markupsafe import Markup

from corpus.tables import ConsentNotice

FIRST_HEADING = 3
LAST_HEADING = 6


def as_html(wording: str) -> Markup:
    """Safe to put into a page: everything but Markdown's own marks is escaped."""
    markdown = MarkdownIt("commonmark", {"html": False})
    tokens = markdown.parse(wording)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1]) + FIRST_HEADING - 1, LAST_HEADING)}"
    return Markup(markdown.renderer.render(tokens, markdown.options, {}))  # noqa: S704 — the renderer escapes


def choose(notices: Sequence[ConsentNotice], asked: str, accepted: str, usual: str) -> ConsentNotice | None:
    """The notice in the language asked for, or else one that the browser accepts, or the usual one, or any."""
    ranked = [asked, *(part.partition(";")[0].strip() for part in accepted.split(",")), usual]
    for wanted in filter(None, ranked):
        for shown in notices:
            if shown.locale.lower() == wanted.lower():
                return shown
        for shown in notices:
            if shown.locale.lower().partition("-")[0] == wanted.lower().partition("-")[0]:
                return shown
    return notices[0] if notices else None
