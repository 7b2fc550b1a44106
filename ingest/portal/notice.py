"""Shows a consent notice: its wording is Markdown, and all of it is shown, with the terms that were stated beside it.

HTML in it stays text. Its headings go below the page's own, so that a screen reader's outline stays in order.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup

from corpus.tables import ConsentNotice
from corpus.words import Purpose

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


@dataclass(frozen=True, slots=True)
class Stated:
    """What stands beside the wording, in the operator's words; empty where nothing was stated."""

    controller: str
    jurisdiction: str
    validity: str
    clocks: str
    recipients: dict[Purpose, str]
    retention: dict[Purpose, str]


def stated(terms: str) -> Stated:
    """From the canonical JSON that was frozen when the notice was published."""
    told: dict[str, Any] = json.loads(terms)
    controller, purposes = told.get("controller", {}), told.get("purposes", {})
    known = {purpose: purposes[purpose.value] for purpose in Purpose if purpose.value in purposes}
    return Stated(
        controller=", ".join(filter(None, (controller.get("name"), controller.get("contact")))),
        jurisdiction=told.get("jurisdiction", ""),
        validity=told.get("validity", ""),
        clocks=told.get("retention", ""),
        recipients={purpose: each.get("recipients", "") for purpose, each in known.items()},
        retention={purpose: each.get("retention", "") for purpose, each in known.items()},
    )


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
