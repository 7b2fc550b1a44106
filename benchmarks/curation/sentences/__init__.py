"""Sentences as people say them, with and without personal data planted: all of it made up, for figures alone."""
