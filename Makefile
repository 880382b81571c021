# The words are the same here, in the README and in CI. `make setup` needs Python 3.11 to 3.14 and nothing else.
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13 python3.14 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && echo $$p && break; done)
PYTHON313 ?= $(firstword $(wildcard $(HOME)/.pyenv/versions/3.13.*/bin/python) python3.13)
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest

.PHONY: setup demo up test test-long test-gcp azurite local-bigquery lint bench clean

setup: .venv/ready

.venv/ready: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.11 to 3.14 was found. Install one, or name it: make setup PYTHON=/path/to/python"; exit 1; }
	@echo "Making .venv with $(PYTHON) ..."
	@rm -rf .venv
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --build-constraint constraints.txt \
		--compile-bytecode --editable '.[dev]'
	@$(BIN)/python -m compileall -q taxi_platform # or every start would compile it, where nothing may be written later
	@touch $@

demo: setup
	@echo "Two months of each service, made up on the spot, through raw, cleaned, lake and warehouse:"
	@$(BIN)/taxi load zones,all 2021-01,2024-01 --source sample
	@echo
	@$(BIN)/taxi query "select table_name, source_month, rows, rejected, control_sums from _taxi_months order by 1, 2"
	@echo
	@$(BIN)/taxi query "select pickup_borough, count(*) as trips, sum(total_amount) as dollars \
		from yellow_trips_with_zones group by 1 order by trips desc limit 3"
	@echo
	@echo "See the graph, the months and their checks in Dagster's UI: make up, then http://127.0.0.1:3000"

up: setup
	@exec $(BIN)/taxi up

test: setup
	$(PYTEST) -m "not long and not gcp" -n auto --dist loadfile --no-loadscope-reorder

test-long: setup azurite local-bigquery
	$(PYTEST) -m "long and not gcp" -n auto --dist loadfile --no-loadscope-reorder

test-gcp: setup # against real Google Cloud: GOOGLE_CLOUD_PROJECT and TAXI_TEST_BUCKET say where; see docs/stores.md
	@test -n "$(GOOGLE_CLOUD_PROJECT)" -a -n "$(TAXI_TEST_BUCKET)" || { echo "Set GOOGLE_CLOUD_PROJECT and \
	TAXI_TEST_BUCKET, a bucket of it that tests may write to, and log in: see docs/stores.md, make test-gcp."; exit 2; }
	$(PYTEST) -m gcp

azurite: # Microsoft's emulator of Azure: without npm, or where it has no packages, what needs it is skipped
	@test -x .azurite/node_modules/.bin/azurite-blob || ! command -v npm >/dev/null || npm install --prefix .azurite \
		--ignore-scripts --no-audit --no-fund --loglevel=error azurite@3.37.0 || rm -rf .azurite

local-bigquery: setup # an emulator of BigQuery for Python 3.13: where that is not here, what needs it is skipped
	@test -x .venv-bigquery/ready || ! command -v "$(PYTHON313)" >/dev/null || { rm -rf .venv-bigquery \
		&& $(PYTHON313) -m venv .venv-bigquery && $(BIN)/uv pip install --quiet --python .venv-bigquery/bin/python \
		--constraint constraints-bigquery.txt local-bigquery duckdb duckdb-extension-icu duckdb-extension-ducklake \
		duckdb-extension-httpfs duckdb-extension-spatial && install -m 755 /dev/null .venv-bigquery/ready; } || rm -rf .venv-bigquery

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup .venv-bench/ready # an hour; `make bench ONLY=stages,months ROWS=100000 ROUNDS=1` for a quick look
	$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(ROWS),--rows $(ROWS)) $(if $(ROUNDS),--rounds $(ROUNDS))

.venv-bench/ready: benchmarks/requirements.txt benchmarks/constraints.txt # the others, in an environment of their own
	@rm -rf .venv-bench
	@$(PYTHON) -m venv .venv-bench
	@$(BIN)/uv pip install --quiet --python .venv-bench/bin/python --constraint benchmarks/constraints.txt \
		--compile-bytecode --requirement benchmarks/requirements.txt
	@touch $@

clean: # not .taxi: your months and their history
	rm -rf .venv .venv-bench .venv-bigquery .azurite .pytest_cache .mypy_cache .ruff_cache *.egg-info
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
