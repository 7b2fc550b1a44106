"""Tests of corpus.web."""
