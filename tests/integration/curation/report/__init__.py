"""The curation report."""
