"""Measures how far a disguise goes: who can still tell the voices apart, and what a recogniser still understands."""
