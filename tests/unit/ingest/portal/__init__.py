"""Tests of ingest.portal."""
