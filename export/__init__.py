"""Reproducible releases, and the client that pulls and verifies them."""
