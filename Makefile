# `make prepare` and `make test` set everything up by themselves: Python >= 3.11 and make are enough.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
# langdetect is published as source only; it is always built with the setuptools that the lock file pins.
INSTALL := $(PIP) install --quiet --require-hashes --only-binary :all: --no-binary langdetect --no-build-isolation
RECIPES := $(sort $(wildcard sample_data/*.yaml))

.DEFAULT_GOAL := help
.PHONY: help prepare test check format golden fuzz soak nights lock bench benchmarks clean setup setup-dev FORCE

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

prepare: setup ## Run every sample recipe into out/
	@for recipe in $(RECIPES); do \
	  $(BIN)/bedrock-prep prepare $$recipe || exit $$?; \
	done

# Three workers on two processors: some tests wait for signals, timeouts and servers.
test: setup-dev ## Run the tests
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

check: setup-dev ## Check lint, format, types, and that generated files are up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --config-file tests/mypy.ini tests
	MYPYPATH=benchmarks $(BIN)/mypy --config-file tests/mypy.ini benchmarks/*.py
	$(BIN)/python -m pipeline.generated --check

format: setup-dev ## Format the code and write the generated files
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python -m pipeline.generated

golden: setup-dev ## Regenerate the golden results of the sample recipes
	UPDATE_GOLDEN=1 $(BIN)/python -m pytest tests/test_golden.py -k golden_one

fuzz: ## Feed the compiled kernels damaged texts under sanitizers (300,000 inputs each)
	@mkdir -p build
	@for name in fuzz_json fuzz_kernels fuzz_markup fuzz_statistics; do \
	  for processor in ANY ONLY_BASELINE; do \
	    cc -std=c11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -D$$processor tests/fuzz_kernels/$$name.c -o build/$$name && \
	    build/$$name 300000 || exit 1; \
	  done; \
	done

soak: setup-dev ## Test every fault at every call, a kill at every step, 100 races, all hostile files (an hour)
	SOAK=1 $(BIN)/python -m pytest -n 2 --dist loadfile tests/test_faults.py tests/test_kills.py tests/test_kills_s3.py tests/test_state.py tests/test_stops.py tests/test_hostile.py

nights: setup-dev ## Test 1,000 scheduled runs with faults: nothing may grow
	SOAK=1 $(BIN)/python -m pytest tests/test_nightly.py

bench: setup-dev ## Measure throughput by stage, on documents that this machine has
	$(BIN)/python benchmarks/run_stages.py

benchmarks: setup-dev ## Measure everything, with the peers, into benchmarks/RESULTS.md (15 minutes; ARGS=--quick)
	@case "$(ARGS)" in *--peers*) ;; *) sh benchmarks/peers/install.sh build/bench/peers ;; esac
	$(BIN)/python benchmarks/run_all.py $(ARGS)

lock: ## Pin the dependencies again (needs uv)
	uv pip compile -q pyproject.toml --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 -o requirements.lock
	uv pip compile -q pyproject.toml --group dev --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 -o requirements-dev.lock
	uv pip compile -q requirements-build.in --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 -o requirements-build.lock

clean: ## Remove the environment and the results
	rm -rf $(VENV) out build *.egg-info

setup: $(VENV)/.ready
setup-dev: $(VENV)/.ready-dev

$(VENV)/.ready-build: requirements-build.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer, with its venv module, is needed" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --require-hashes --only-binary :all: -r requirements-build.lock
	@touch $@

$(VENV)/.ready: $(VENV)/.ready-build requirements.lock pyproject.toml setup.py $(wildcard pipeline/kernels/*.c pipeline/kernels/*.h)
	$(INSTALL) -r requirements.lock
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready requirements-dev.lock
	$(INSTALL) -r requirements-dev.lock
	@touch $@
