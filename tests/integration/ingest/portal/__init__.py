"""Tests of ingest.portal, through HTTP."""
