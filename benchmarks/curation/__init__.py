"""How good curation is on recorded speech: `python -m benchmarks.curation` writes docs/curation.md."""
