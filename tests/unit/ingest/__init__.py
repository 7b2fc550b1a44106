"""What the ingest room decides without a database, a store or a server."""
