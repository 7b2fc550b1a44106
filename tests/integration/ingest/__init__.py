"""The ingest room over real databases and stores."""
