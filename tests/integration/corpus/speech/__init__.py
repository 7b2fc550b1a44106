"""Decoding in a real child process, and recognising with a real model."""
