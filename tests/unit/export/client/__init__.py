"""Tests of the client that pulls and verifies releases."""
