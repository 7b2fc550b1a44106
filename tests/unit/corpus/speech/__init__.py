"""Decoding and recognising, without a child process."""
