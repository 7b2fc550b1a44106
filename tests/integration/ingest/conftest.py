"""The API over a prepared house, and a way to see everything that a request leaves behind."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from corpus.collaborators import Collaborators
from corpus.web.app import build_app
from ingest.app import routes
from tests.integration.ingest.traces import Traces


@pytest.fixture
def api(house: Collaborators) -> Iterator[TestClient]:
    with TestClient(build_app(house, [routes()])) as client:
        yield client


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where everything that asks for a temporary file now gets it."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def traces(house: Collaborators, temporary: Path) -> Traces:
    return Traces(house, temporary)
