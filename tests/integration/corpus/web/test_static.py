"""Static files come from the package, cached for ever where their address names their content."""

import re

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from corpus.web import pages, problems


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    problems.install(app)
    app.include_router(pages.router)
    return TestClient(app)


def test_what_a_page_names_is_served_and_cached_for_ever(client: TestClient) -> None:
    page = pages.render("sign_in.html", next="/", email="", message="", provider="")
    named = re.findall(r'(?:href|src)="(/static/[^"]+)"', bytes(page.body).decode())

    answers = [client.get(address) for address in named]

    assert len(named) >= 2
    assert [answer.status_code for answer in answers] == [200] * len(named)
    assert all("immutable" in answer.headers["cache-control"] for answer in answers)


def test_an_address_without_the_digest_is_checked_again_each_time(client: TestClient) -> None:
    first = client.get("/static/style.css")

    second = client.get("/static/style.css", headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["content-type"].startswith("text/css")
    assert (second.status_code, second.content) == (304, b"")


@pytest.mark.parametrize("name", ["absent.css", "..%2Fpages.py", "%2e%2e%2fsessions.py", "style.css%00", "base.html"])
def test_nothing_but_static_files_is_served(client: TestClient, name: str) -> None:
    assert client.get(f"/static/{name}").status_code == 404
