# Two commands matter: `make up` and `make test`. `make help` lists the rest.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
# torch: from the folder that the environment names, when it is there, else uv's own CPU build; never CUDA.
LINKS := $(firstword $(wildcard $(UV_FIND_LINKS) $(PIP_FIND_LINKS)))
TORCH := $(if $(LINKS),,--torch-backend cpu)
export UV_COMPILE_BYTECODE = 1
ifneq ($(LINKS),)
export UV_FIND_LINKS = $(LINKS)
else
unexport UV_FIND_LINKS
endif

.DEFAULT_GOAL := help
.PHONY: help install up down test soak lint lock generate ear clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/installed ## .venv with the exact pins of requirements.lock

$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@test -x "$(BIN)/python" || $(PYTHON) -m venv "$(VENV)"
	@"$(BIN)/python" -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	"$(BIN)/uv" pip install --python "$(BIN)/python" $(TORCH) --no-deps -r requirements.lock
	"$(BIN)/uv" pip install --python "$(BIN)/python" --quiet --no-deps --no-build-isolation -e .
	@touch "$@"

up: install ## start the platform, fill it, keep it running until Ctrl-C
	@"$(BIN)/rap-platform" up

down: install ## stop it
	@"$(BIN)/rap-platform" down

test: install ## every test
	"$(BIN)/python" -m pytest

soak: install ## the long runs: kills by the dozen, faults, fuzzing
	"$(BIN)/python" -m pytest -m soak

lint: install ## ruff, mypy, dg
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .
	"$(BIN)/mypy"
	@home=$$(mktemp -d) && DAGSTER_HOME="$$home" "$(BIN)/dg" check defs; status=$$?; rm -rf "$$home"; exit $$status

lock: ## compile requirements.lock from pyproject.toml; what is pinned stays
	cp requirements.lock requirements.lock.new
	"$(BIN)/uv" pip compile pyproject.toml --extra dev --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links \
	    --no-annotate --no-header --quiet -o requirements.lock.new
	grep -v -E '^(cuda|nvidia|triton|openvino-telemetry)' requirements.lock.new | sed -E 's/^torch==.*/torch==2.13.0/' | awk '!seen[$$0]++' > requirements.lock
	rm requirements.lock.new

generate: install ## the examples of settings and the picture of the graph, from the code
	"$(BIN)/python" -m rap_platform_tests.generated

ear: install ## what the ear learned, from the dictionary and the annotated stanzas
	"$(BIN)/python" -m rap_platform.features.letter_to_sound rap_platform/data/letter_to_sound.xz
	"$(BIN)/python" -m rap_platform.features.rhyme_learning rap_platform/data/rhyme_log_odds.tsv

clean: ## remove .venv and the data directory
	rm -rf "$(VENV)" .rap_platform
