"""The routes of this room, for the roof to serve."""

from fastapi import APIRouter

from ingest.api.consent import consent_routes
from ingest.api.desk import Desk
from ingest.api.devices import device_routes
from ingest.api.erasures import erasure_routes
from ingest.api.ledger import ledger_routes
from ingest.api.pairings import pairing_routes
from ingest.api.receipts import receipt_routes
from ingest.api.utterances import utterance_routes
from ingest.portal.app import portal_routes
from ingest.transparency.page import transparency_routes


def routes(desk: Desk | None = None) -> APIRouter:
    """All that devices and their owners use. Once a process: its uploads share a desk."""
    router = APIRouter()
    router.include_router(utterance_routes(desk or Desk()))
    router.include_router(consent_routes())
    router.include_router(device_routes())
    router.include_router(erasure_routes())
    router.include_router(pairing_routes())
    router.include_router(receipt_routes())
    router.include_router(ledger_routes())
    router.include_router(portal_routes())
    router.include_router(transparency_routes())
    return router
