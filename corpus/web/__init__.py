"""The web shell that the API, the pages and the catalogue share."""
