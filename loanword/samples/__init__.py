"""Synthesised voice commands that the demo uploads, read as package data."""
