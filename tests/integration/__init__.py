"""Tests against real databases, stores, servers and child processes."""
