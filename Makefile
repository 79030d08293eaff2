# Every command a developer or a curious visitor needs. `make` alone lists them.
# Package mirrors come from pip's own environment variables (PIP_INDEX_URL, PIP_CERT, ...).
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
WORKERS ?= logical
CHECKS := check-format check-lint check-types check-imports check-house check-events

.DEFAULT_GOAL := help
.PHONY: help setup dev demo test check $(CHECKS) format bench bundle pins clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/.ready  ## make .venv with ctta, PostgreSQL and a broker in it
dev: $(VENV)/.ready-dev  ## setup, and what tests and checks need

# Build tools come first and pinned, so that nothing is fetched unpinned while a source archive is built.
$(VENV)/.ready: requirements.txt requirements-build.txt pyproject.toml tools/make-venv
	@tools/make-venv $(VENV)
	$(PIP) install --quiet --require-hashes -r requirements-build.txt
	$(PIP) install --quiet --require-hashes --no-build-isolation -r requirements.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.ready-dev: requirements-dev.txt $(VENV)/.ready
	$(PIP) install --quiet --require-hashes --no-build-isolation -r requirements-dev.txt
	@touch $@

demo: setup  ## three centers on this machine: listing, match, deal, money, notice, one trace
	$(BIN)/ctta demo

test: dev  ## all tests, on real servers where they can be had (WORKERS=2 for fewer processes)
	$(BIN)/pytest -n $(WORKERS) --maxprocesses=4 --dist loadfile

check: dev  ## format, lint, types, import contracts, documents
	@$(MAKE) --no-print-directory --keep-going -j4 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) $(CHECKS)
	@echo "check: all good"

check-format:
	$(BIN)/ruff format --check --quiet .
check-lint:
	$(BIN)/ruff check --quiet .
check-types:
	$(BIN)/mypy --no-error-summary
check-imports:
	$(BIN)/lint-imports --no-logo
check-house:
	$(BIN)/pytest -q tests/house tests/contracts
check-events:
	$(BIN)/ctta events check

format: dev  ## rewrite the sources the way `make check` wants them
	$(BIN)/ruff format --quiet .
	$(BIN)/ruff check --quiet --fix .

bench: dev  ## measured claims
	$(BIN)/ctta bench bus --json

bundle: dev  ## wheelhouse/: everything an installation without a network needs
	tools/make-bundle $(BIN)/python

pins: dev  ## compile requirements*.txt from pyproject.toml (UPGRADE=1 takes newer versions)
	tools/make-pins $(BIN)/uv $(if $(UPGRADE),--upgrade)

clean:  ## remove what was made, except .venv
	rm -rf build dist wheelhouse .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
