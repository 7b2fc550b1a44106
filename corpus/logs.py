"""Logs: structured, on stderr, ids only."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_WHOSE = re.compile(r"\b(voices|accounts)/[0-9a-f]{32}")


def hide_people(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Takes the account out of every object's name, be it in a message or a traceback: a closed one must not stay."""
    for name, value in line.items():
        if isinstance(value, str) and _WHOSE.search(value):
            line[name] = _WHOSE.sub(r"\1/…", value)
    return line


def configure(*, verbose: bool = False) -> None:
    """Human-readable lines for a terminal, JSON lines otherwise."""
    terminal = sys.stderr.isatty()
    renderer = structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            hide_people,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if verbose else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
