# Every command that a person or CI runs. "make" alone lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
S3 := .s3server

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

$(STAMP): requirements.txt requirements-dev.txt pyproject.toml
	@echo "Setting up $(VENV) with the hash-locked dependencies (once; takes about a minute) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "MotoMind needs Python 3.11 or later. Say which one to use: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(STAMP)  ## create the virtual environment and install everything into it

# The explorer is built beside the set-up, and nothing waits for it.
serve: explorer-soon setup  ## start everything with the demo at http://127.0.0.1:8000/graphql
	@$(BIN)/motomind serve --demo

explorer:  ## build the explorer, which browsers see at /graphql; needs Node
	@$(PYTHON) explorer/build.py

explorer-soon:
	@$(PYTHON) explorer/build.py --background || true

test: setup  ## run the test suite on the embedded PostgreSQL
	@$(BIN)/python -m pytest

test-explorer: setup explorer  ## try the explorer in headless Chromium, as Debian has it
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r explorer/requirements.txt
	@cd explorer && npm run --silent check
	@$(BIN)/python -m pytest tests/api/test_explorer_page.py

test-s3: setup  ## try the storage of uploads on an S3-compatible server, moto, in an environment of its own
	@test -x $(S3)/bin/python || $(PYTHON) -m venv $(S3)
	@$(S3)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r tests/s3/requirements.txt
	@MOTOMIND_TEST_S3_SERVER=$(CURDIR)/$(S3)/bin/moto_server $(BIN)/python -m pytest tests/api/test_s3.py

test-database: setup  ## run the tests that talk to PostgreSQL on TEST_SERVER_URL, a superuser's address
	@$(BIN)/python -m pytest -m database

conformance: setup  ## run graphql-core's own execution tests with our executor
	@$(BIN)/python tests/executor/conformance

differential: setup  ## compare our executor with graphql-core's on thousands of random operations; takes minutes
	@MOTOMIND_DIFFERENTIAL_EXAMPLES=$(or $(EXAMPLES),3000) $(BIN)/python -m pytest tests/executor

check: setup  ## format, lint, types, import contracts, generated files current
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports
	@$(BIN)/python -m pytest tests/test_generated_files.py

snapshots: setup  ## rewrite schema.graphql, sql/schema.sql and the golden results from the code
	@$(BIN)/python -m pytest --rewrite tests/test_generated_files.py tests/test_operations.py \
		tests/mutations/test_who_may.py

format: setup  ## let ruff mend what it can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: setup  ## renew the requirements files from pyproject.toml
	@$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 \
		pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 \
		--extra dev pyproject.toml requirements-build.in -o requirements-dev.txt
	@$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 \
		--constraints requirements-dev.txt benchmarks/requirements.in -o benchmarks/requirements.txt
	@$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 \
		--constraints requirements-dev.txt explorer/requirements.in -o explorer/requirements.txt
	@$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 \
		--constraints requirements.txt --extra telemetry pyproject.toml deploy/requirements.in -o deploy/requirements.txt
	@$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 \
		tests/s3/requirements.in -o tests/s3/requirements.txt

bench: setup  ## compare with PostGraphile, graphql-core and plain SQL; ARGS=--help lists the options
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r benchmarks/requirements.txt
	@$(BIN)/python -m benchmarks $(ARGS)

clean:  ## remove the environment, the built explorer and caches; keeps .motomind, the embedded database
	@rm -rf $(VENV) $(S3) api/explorer_files explorer/.build explorer/node_modules .conformance .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

.PHONY: help setup serve explorer explorer-soon test test-explorer test-s3 test-database conformance differential check snapshots format lock bench clean
