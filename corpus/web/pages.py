"""Pages: templates rendered under a strict content security policy, and the static files that they name.

A page holds no inline script or style. Each room keeps its templates and static files in its own package, beside the
shared ones here; both are read through the package, so that an installed wheel serves them as a checkout does.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape

from corpus.errors import NotFound

SHARED = "corpus.web"
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self' blob:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: forms would then carry `Origin: null`, and over plain http nothing else shows their origin.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
MEDIA_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_STATIC_NAME = re.compile(r"[a-z][a-z0-9-]*\.(css|js|svg)")
_FOR_EVER = "public, max-age=31536000, immutable"
_LOCAL_PATH = re.compile(r"/(?![/\\])[A-Za-z0-9/_.~?=&%+-]*")


def render(
    template: str,
    *,
    package: str = SHARED,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:
    """A page from the package's `templates/`, or from the shared ones. A value that a template lacks is an error."""
    page = _environment(package).get_template(template).render(values)
    return HTMLResponse(page, status, {**SECURITY_HEADERS, **(headers or {})})


def local_path(text: str, otherwise: str = "/") -> str:
    """The text where it is a path on this server, so that one may be sent there; anything else might lead elsewhere."""
    return text if _LOCAL_PATH.fullmatch(text) else otherwise


def static_router(package: str, prefix: str) -> APIRouter:
    """Serves the package's `static/` under the prefix; what a template's `static()` names may be cached for ever."""
    router = APIRouter()

    @router.get(f"{prefix}/{{name}}", include_in_schema=False)
    def static_file(name: str, request: Request, v: str = "") -> Response:
        file = _static(package, name)
        headers = {
            "ETag": f'"{file.digest}"',
            "Cache-Control": _FOR_EVER if v == file.digest else "no-cache",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(file.content, headers=headers, media_type=file.media_type)

    return router


@dataclass(frozen=True, slots=True)
class _StaticFile:
    content: bytes
    media_type: str
    digest: str


@cache
def _static(package: str, name: str) -> _StaticFile:
    """Raises `NotFound`."""
    if not _STATIC_NAME.fullmatch(name):
        raise NotFound
    try:
        content = resources.files(package).joinpath("static", name).read_bytes()
    except FileNotFoundError as error:
        raise NotFound from error
    return _StaticFile(content, MEDIA_TYPES[name.rpartition(".")[2]], hashlib.sha256(content).hexdigest()[:16])


@cache
def _environment(package: str) -> Environment:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(each) for each in dict.fromkeys([package, SHARED])]),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = lambda path, of=SHARED: f"{path}?v={_static(of, path.rpartition('/')[2]).digest}"
    return environment


router = static_router(SHARED, "/static")
