# Everything runs in a private virtual environment with exact, hashed versions. It is made once, by whatever target
# needs it first; all that must be there is Python 3.11 or newer.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SOURCES := auditor collectors policies deploy bench tests

.DEFAULT_GOAL := help
.PHONY: help accuracy bench corpus simulate install dashboards demo pages test check format docs lock clean

help: ## Say what can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

$(READY): requirements.lock bootstrap.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none was found." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11")'
	@echo "Preparing $(VENV) with $(PYTHON)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r bootstrap.lock
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

install: $(READY) ## Prepare .venv, with the command at .venv/bin/audit

demo: $(READY) ## Audit a believable company against an embedded AWS stand-in
	@$(BIN)/audit demo

test: $(READY) ## Run the tests
	@$(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder

check: $(READY) ## What must hold before a change is merged: format, lint, types, import contracts, tests
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder

accuracy: $(READY) ## Measure the default policy on real pairs (PAIRS=FOLDER) and write docs/accuracy.md
	$(BIN)/python -m bench.accuracy $(if $(PAIRS),--pairs $(PAIRS)) --report docs/accuracy.md

corpus: $(READY) ## Measure the default policy on 200 generated companies (FIRST=SEED) and write docs/accuracy.md
	$(BIN)/python -m bench.accuracy --companies 200 --first-seed $(or $(FIRST),7000) --report docs/accuracy.md

pages: $(READY) ## Measure every page and the API on 100 pairs and a million past findings
	$(BIN)/python -m bench.pages_http

bench: $(READY) ## Measure the product beside its floor and its peers (FULL=1: a million resources) and write docs/performance.md
	@$(BIN)/python -m bench.speed $(if $(FULL),--full) $(if $(JSON),--json $(JSON)) --report docs/performance.md

simulate: $(READY) ## Simulate thousands of accounts and write the table into docs/performance.md
	@$(BIN)/python -m bench.simulation --write docs/performance.md

format: $(READY) ## Bring the code into form
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

docs: $(READY) ## Write docs/collectors.md anew from what the collectors declare
	@$(BIN)/audit collectors --format markdown > docs/collectors.md

dashboards: $(READY) ## Write deploy/grafana/dashboards/ and the tables of docs/dashboards.md anew from the generator
	@$(BIN)/python -m deploy.grafana.generator

COMPILE = $(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url
lock: $(READY) ## Choose the newest versions that fit, and write them down with their hashes
	$(COMPILE) --upgrade --all-extras pyproject.toml -o requirements.lock
	$(COMPILE) --upgrade -c requirements.lock pyproject.toml -o runtime.lock
	$(COMPILE) --upgrade -c requirements.lock --extra demo pyproject.toml -o demo.lock
	printf 'uv\nhatchling\n' | $(COMPILE) --upgrade -c requirements.lock - -o bootstrap.lock

clean: ## Remove the virtual environment and what was built
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
