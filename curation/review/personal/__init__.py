"""Personal data in review: what is flagged, what a curator decides of it, and its removal from text and sound."""
