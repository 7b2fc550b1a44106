"""Publishes the wording that people are asked to agree to.

A notice file is UTF-8 text. Its first line may be `version: 2026-03`, followed by an empty line; the rest is the
wording, exactly as it is shown. Without that line the version is the beginning of the wording's SHA-256.
"""

import hashlib
import re

from corpus import ledger, queries
from corpus.collaborators import Collaborators
from corpus.errors import BadRequest
from corpus.tables import ConsentNotice
from ingest.metadata import parse_locale
from ingest.terms import terms_of

LONGEST_WORDING = 100_000
DIGITS_OF_SHA256 = 12
_FRONT_LINE = re.compile(r"\ufeff?version:[ \t]*(\S+)[ \t]*\r?\n(?:[ \t]*\r?\n)?", re.IGNORECASE)
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


def parse_notice(text: str, version: str | None = None) -> tuple[str, str]:
    """(version, wording). Raises `BadRequest`."""
    front = _FRONT_LINE.match(text)
    wording = text[front.end() :] if front else text
    if not wording.strip() or len(wording) > LONGEST_WORDING:
        raise BadRequest(f"A notice has 1 to {LONGEST_WORDING} characters.")
    named = version or (front[1] if front else hashlib.sha256(wording.encode()).hexdigest()[:DIGITS_OF_SHA256])
    if not _VERSION.fullmatch(named):
        raise BadRequest("A notice's version has 1 to 64 letters, digits, dots, dashes or underscores.")
    return named, wording


def publish_notice(house: Collaborators, text: str, *, locale: str, version: str | None = None) -> ConsentNotice:
    """Makes this the notice of its locale; uploads under older ones end after `notice_grace`. Again changes nothing.

    Raises `BadRequest`, or `NoticeExists` where this version has another wording.
    """
    named, wording = parse_notice(text, version)
    spoken = parse_locale(locale)
    with house.database.writing() as session:
        now = house.clock()
        shown = ConsentNotice(
            version=named,
            locale=spoken,
            wording=wording,
            wording_sha256=hashlib.sha256(wording.encode()).hexdigest(),
            terms=ledger.canonical(terms_of(house.settings)).decode(),
            published_at=now,
        )
        queries.publish_notice(session, shown, older_uploads_until=now + house.settings.notice_grace)
        return queries.notice(session, named, spoken)
