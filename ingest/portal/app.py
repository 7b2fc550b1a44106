"""All of `/me`, for the room to serve."""

from fastapi import APIRouter

from corpus.web.pages import static_router
from ingest.portal import about_you, clips, closing, deleting, devices, first_screen, receipts, take_home
from ingest.portal.pages import PACKAGE


def portal_routes() -> APIRouter:
    router = APIRouter()
    router.include_router(static_router(PACKAGE, "/static/me"))
    for part in (first_screen, devices, clips, deleting, closing, about_you, receipts, take_home):
        router.include_router(part.router)
    return router
