"""Both grounds, over the servers that all tests share, and a decoder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.seaweedfs import SeaweedFS
from corpus.speech.decoder import Decoder
from tests.fixtures.databases import Postgres
from tests.trust.grounds import Ground, credentials_of, embedded_ground, grown_ground


@pytest.fixture(scope="package")
def embedded(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Ground:
    return embedded_ground(tmp_path_factory.mktemp("embedded"), sqlite_template)


@pytest.fixture(scope="package")
def grown(
    tmp_path_factory: pytest.TempPathFactory,
    postgresql_server: Postgres,
    postgresql_template: str,
    seaweedfs: SeaweedFS,
) -> Iterator[Ground]:
    with credentials_of(seaweedfs):
        yield grown_ground(tmp_path_factory.mktemp("grown"), postgresql_server, postgresql_template, seaweedfs)


@pytest.fixture(params=["embedded", "grown"])
def ground(request: pytest.FixtureRequest) -> Ground:
    found: Ground = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="package")
def decoder() -> Iterator[Decoder]:
    with Decoder() as decoder:
        yield decoder
