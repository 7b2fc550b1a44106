"""The numbers page."""
