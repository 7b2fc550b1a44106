"""Builds a web application out of the rooms' routes."""

from collections.abc import Iterable, Sequence

from fastapi import APIRouter, FastAPI
from starlette.routing import Route

from corpus.collaborators import Collaborators
from corpus.identity.openid import open_provider
from corpus.identity.sign_in import PasswordChecks
from corpus.web import problems


def build_app(collaborators: Collaborators, routers: Iterable[APIRouter], first: Sequence[Route] = ()) -> FastAPI:
    """One application over these routes, with refusals as problem+json and the collaborators for its dependencies.

    Those of `first` are asked before all others, and stand for others of the same path, which tell of them.
    """
    app = FastAPI(title="Loanword", docs_url=None, redoc_url=None)
    app.state.collaborators = collaborators
    app.state.openid = open_provider(collaborators.settings)
    app.state.password_checks = PasswordChecks()
    problems.install(app)
    for router in routers:
        app.include_router(router)
    app.router.routes[:0] = first
    return app
