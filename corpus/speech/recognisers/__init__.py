"""Whoever hears what is said: one module a kind, behind the protocol of `corpus/speech/heard.py`."""
