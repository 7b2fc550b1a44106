"""A decoder for all tests of curation, and a worker's bench over each test's house."""

from collections.abc import Iterator

import pytest

from corpus.collaborators import Collaborators, collaborators
from corpus.speech.decoder import Decoder
from curation.examine import Workbench


@pytest.fixture(scope="package")
def decoder() -> Iterator[Decoder]:
    with Decoder() as decoder:
        yield decoder


@pytest.fixture
def bench(house: Collaborators, decoder: Decoder) -> Workbench:
    return Workbench(house, decoder, recogniser=None)


@pytest.fixture
def elsewhere(house: Collaborators) -> Iterator[Collaborators]:
    """The same house, as another process has it: connections and locks of its own."""
    opened = collaborators(house.settings, house.clock)
    yield opened
    opened.database.close()
