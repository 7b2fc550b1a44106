"""The review console: its API and its page."""
