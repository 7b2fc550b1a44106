"""Commands that run in the tests' own process."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A command has its process log to standard error, which here is closed when its test is over."""
    yield
    structlog.reset_defaults()
