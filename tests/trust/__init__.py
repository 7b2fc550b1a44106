"""Measures what we promise to whoever lends a voice: one function a target, its size and its seed as parameters."""
