"""Which fixtures there are; they live in `tests/fixtures/`."""

pytest_plugins = ["tests.fixtures.browser", "tests.fixtures.databases", "tests.fixtures.house", "tests.fixtures.stores"]
