# Everything runs from .venv. The first Python 3.11–3.13 found makes it; `make PYTHON=… install` names another, which
# stays the chosen one.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TEST_PROCESSES ?= 3
E2E_PROCESSES ?= 2
PYTHON ?= $(shell sed -n 2p $(STAMP) 2>/dev/null)
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header

# A .venv that was moved, whose Python is gone, or for which another was chosen is made anew.
ifneq ($(strip $(CURDIR) $(PYTHON)),$(strip $(shell $(BIN)/python -c 'print(open("$(STAMP)").read())' 2>/dev/null)))
$(STAMP): anew
endif

help: ## Show this
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

install: $(STAMP) ## Make .venv with everything pinned in requirements.txt and requirements-dev.txt

$(STAMP): requirements.txt requirements-dev.txt
	@python=$$(sh .ci/python $(PYTHON)) && \
	if ! $(BIN)/python -c '' 2>/dev/null || \
	    [ "$$($(BIN)/python -c 'import sys; print(sys.version_info[:2])')" != \
	      "$$($$python -c 'import sys; print(sys.version_info[:2])')" ]; then \
		echo "Making $(VENV) with $$python"; \
		$$python -m venv --clear $(VENV); \
	fi
	@echo "Installing the pinned packages, about a minute the first time …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		-r requirements.txt -r requirements-dev.txt
	@printf '%s\n' '$(CURDIR)' '$(PYTHON)' >$@

run: install ## Start everything on this machine; Ctrl-C stops it
	@exec $(BIN)/python -m engine_app up

test: install ## Run every test, in a real Chromium too
	@sh .ci/program chromium chromium chromium-browser google-chrome
	@sh .ci/program pgbouncer pgbouncer
	@exec $(BIN)/python -m pytest --numprocesses=$(TEST_PROCESSES) --dist=loadscope --no-loadscope-reorder

e2e: install ## Run the tests of the page RUNS=… times in a row (once by default), up to the first failure
	@sh .ci/program chromium chromium chromium-browser google-chrome
	@sh .ci/program pgbouncer pgbouncer
	@exec $(BIN)/python .ci/in_a_row.py $${RUNS:-1} $(BIN)/python -m pytest --quiet \
		--numprocesses=$(E2E_PROCESSES) --dist=loadfile tests/e2e

test-real: install ## Swap on mainnet's compiled programs, <address>.so each in the directory REAL_PROGRAMS_DIR
	@exec $(BIN)/python -m pytest tests_real

bench: install ## Measure speed and cost into docs/performance.md, about 25 minutes (BENCH=quick: a look)
	@exec $(BIN)/python -m bench.report

fuzz: install ## Send 2,000 cases (FUZZ_EXAMPLES=…) to each route and hold every answer to the OpenAPI document
	@FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-2000} exec $(BIN)/python -m pytest -s --timeout 0 tests/engine/test_fuzz.py

kills: install ## Kill workers 1,000 times (KILLS=…) at every line that an order's path has
	@KILLS=$${KILLS:-1000} exec $(BIN)/python -m pytest -s tests/chaos/test_kills.py -k every_step

chaos: install ## Trade 400 orders (CHAOS_ORDERS=…) while everything fails in a random order (CHAOS_SEED=…)
	@CHAOS_ORDERS=$${CHAOS_ORDERS:-400} exec $(BIN)/python -m pytest -s tests/chaos/faults/test_storm.py

lint: install ## Check style, types, import layers, stand-in programs against their sources, Dockerfile, workflows
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m engine_app.localnet.programs.build --check
	@$(BIN)/hadolint Dockerfile
	@$(BIN)/actionlint
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker-compose.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml

format: install ## Format the code and sort its imports
	@$(BIN)/ruff check --fix --select I
	@$(BIN)/ruff format

settings: install ## Bring README's table of settings, .env.example and docs/errors.md up to date
	@$(BIN)/python -m engine_app settings --write

lock: install ## Resolve requirements*.in anew into the pinned, hashed requirements*.txt
	@$(COMPILE) requirements.in -o requirements.txt
	@$(COMPILE) requirements-dev.in -o requirements-dev.txt

reset: install ## Remove the accounts, orders and balances in .data
	@exec $(BIN)/python -m engine_app reset

clean: ## Remove what was made, but not the data in .data (`make reset` does)
	@rm -rf $(VENV) .web .artifacts .states .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find engine_app tasks tests alembic bench -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: anew help install run test e2e test-real bench chaos fuzz kills lint format settings lock reset clean
