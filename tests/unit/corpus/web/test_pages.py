"""Where a page may send people, and what its headers forbid."""

import pytest
from jinja2 import UndefinedError

from corpus.web.pages import local_path, render


@pytest.mark.parametrize("text", ["/", "/review", "/review?clip=1&again=yes", "/a/b-c_d.e~f%20g"])
def test_a_path_on_this_server_is_followed(text: str) -> None:
    assert local_path(text) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("https://elsewhere.example", id="absolute"),
        pytest.param("//elsewhere.example", id="protocol-relative"),
        pytest.param("/\\elsewhere.example", id="backslash"),
        pytest.param("/\t/elsewhere.example", id="tab-that-browsers-drop"),
        pytest.param("/\n/elsewhere.example", id="newline-that-browsers-drop"),
        pytest.param("review", id="relative"),
        pytest.param("javascript:alert(1)", id="script"),
        pytest.param("/review\r\nSet-Cookie: a=b", id="header-injection"),
        pytest.param("/review\n", id="trailing-newline"),
    ],
)
def test_a_path_that_leads_elsewhere_is_not_followed(text: str) -> None:
    assert local_path(text) == "/"


def test_a_page_allows_no_inline_script_and_no_other_site() -> None:
    page = render("sign_in.html", next="/", email="", message="", provider="")

    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-content-type-options"] == "nosniff"


def test_what_people_typed_is_escaped() -> None:
    page = render("sign_in.html", next="/", email='"><script>alert(1)</script>', message="<b>", provider="")

    assert b"<script" not in page.body
    assert b"&lt;b&gt;" in page.body


def test_a_value_that_a_template_lacks_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render("sign_in.html", next="/")
