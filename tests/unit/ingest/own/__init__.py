"""Tests of ingest.own."""
