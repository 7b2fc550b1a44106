"""Finding personal data in what was said."""
