"""Whole stories, told through HTTP and the command line."""
