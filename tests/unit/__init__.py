"""Pure tests: no disk, no network, milliseconds."""
