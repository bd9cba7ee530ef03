# Every command of the project; `make` alone lists them. Each sets up what it needs first.
SHELL := /bin/bash
.DEFAULT_GOAL := help

BIN := .venv/bin
PACKAGES := wire drivers models station central provisioning
CODE := $(PACKAGES) tests benchmarks scripts
DEMO := tests.system.demo
ARGS :=

.PHONY: help setup demo test fmt lint types imports cov faults bench accuracy units lock clean

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo; echo "  ARGS=... is passed on to demo, test, faults, bench and accuracy."

setup:  ## make .venv/ from the locked packages, unpack the mosquitto broker
	@scripts/setup.sh

demo: setup  ## one foreigner is enrolled, from button to result (ARGS=--interactive, ARGS="--portrait FILE")
	@$(BIN)/python -m $(DEMO) $(ARGS)

test: setup  ## all tests; what is skipped, and why, stands at the end
	@$(BIN)/python -m pytest $(ARGS)

fmt: setup  ## format the code
	@$(BIN)/ruff format $(CODE)
	@$(BIN)/ruff check --fix $(CODE)

lint: setup  ## check style and formatting, of the shell scripts too
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)
	@if command -v $(BIN)/shellcheck shellcheck >/dev/null; then PATH=$(BIN):$$PATH shellcheck scripts/*.sh .ci/run; \
	else echo "shellcheck is not installed here (its wheel is for x86-64 only): the shell scripts are not checked"; fi

types: setup  ## mypy --strict
	@$(BIN)/mypy

imports: setup  ## imports go one way, pure packages stay pure
	@$(BIN)/lint-imports --no-cache

cov: setup  ## coverage of the pure packages, with a gate
	@$(BIN)/python scripts/coverage_gate.py

faults: setup  ## the long seeded fault hunts
	@HYPOTHESIS_PROFILE=search $(BIN)/python -m pytest -m faults --timeout 1800 $(ARGS)
	@HYPOTHESIS_PROFILE=search $(BIN)/python -m pytest -q tests/wire tests/station/workflow tests/station/link tests/drivers/panel tests/models

bench: setup  ## each benchmark prints its table
	@set -e; for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file $(ARGS); done

accuracy: setup  ## accuracy of the face models on the public sets at hand
	@$(BIN)/python -m models.accuracy $(ARGS)

units: setup  ## check the systemd units and their exposure score
	@$(BIN)/python -m pytest -q -ra tests/systemd

lock:  ## pin all packages anew from requirements/*.in (ARGS=--upgrade)
	@scripts/lock.sh $(ARGS)

clean:  ## remove what the commands made, the virtual environment too
	@rm -rf .venv .cache build demo-output .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage* *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
