"""Builds a web application out of the rooms' routes."""

from collections.abc import Iterable

from fastapi import APIRouter, FastAPI

from corpus.collaborators import Collaborators
from corpus.identity.openid import open_provider
from corpus.identity.sign_in import PasswordChecks
from corpus.web import problems


def build_app(collaborators: Collaborators, routers: Iterable[APIRouter]) -> FastAPI:
    """One application over these routes, with refusals as problem+json and the collaborators for its dependencies."""
    app = FastAPI(title="Loanword", docs_url=None, redoc_url=None)
    app.state.collaborators = collaborators
    app.state.openid = open_provider(collaborators.settings)
    app.state.password_checks = PasswordChecks()
    problems.install(app)
    for router in routers:
        app.include_router(router)
    return app
