"""Tests of curation.review."""
