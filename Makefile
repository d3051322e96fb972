# `make` lists the targets. ARGS passes flags to train and test; PYTHON names the interpreter that .venv is made with.
SHELL := bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
INCOMPLETE := $(VENV)/.incomplete
PIP_INSTALL := $(RUN) -m pip install --disable-pip-version-check --constraint constraints.txt
RECENT_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
FLOCK := $(if $(shell command -v flock),flock constraints.txt)

TRAIN_ARGS := --algo ppo2 --env KukaButtonGymEnv-v0 --srl-model ground_truth --num-timesteps 100_000

NEXT := make train ARGS="--env Ant --num-timesteps 10e6"

PYTEST := OMP_NUM_THREADS=1 $(RUN) -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

.PHONY: help train test test-slow lint types format venv clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

train: venv ## train ppo2 on Kuka from ground truth for a short while; ARGS="--env … --algo …" for anything else
	$(RUN) -m rl_baselines.train $(if $(strip $(ARGS)),$(ARGS),$(TRAIN_ARGS))
	@$(if $(strip $(ARGS)),:,echo 'next, an ant that learns to run in some minutes: $(NEXT)')

test: venv ## run the tests on up to 4 cores; ARGS="tests/srl3 -k …" for some of them
	$(PYTEST) $(ARGS)

test-slow: venv ## run the long ones: whole products of modes, speed, learning to the end
	$(PYTEST) -m slow $(ARGS)

lint: venv ## check style
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

types: venv ## check type hints
	$(RUN) -m mypy

format: venv ## mend style
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

venv: ## make .venv from the pinned versions where it is missing or out of date
	@$(FLOCK) $(MAKE) --silent $(INSTALLED)

# Files that stand for a state: .incomplete from a new .venv's birth to its first whole install (found at the
# start, it tells of an interruption, and .venv is made anew), .installed since the last whole install.
$(INSTALLED): constraints.txt setup.py
	@if [ -e $(INCOMPLETE) ] || ! $(RUN) $(RECENT_ENOUGH) 2>/dev/null || ! $(RUN) -m pip --version >/dev/null 2>&1; then \
	  if ! command -v $(PYTHON) >/dev/null; then \
	    echo "error: there is no '$(PYTHON)'; install Python 3.11, or name an interpreter: make PYTHON=python3.11 …" >&2; \
	    exit 2; \
	  elif ! $(PYTHON) $(RECENT_ENOUGH); then \
	    echo "error: SRL3 needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1); name another: make PYTHON=python3.11 …" >&2; \
	    exit 2; \
	  fi; \
	  echo "making $(VENV) with $$($(PYTHON) --version)"; \
	  rm -rf $(VENV) && mkdir $(VENV) && touch $(INCOMPLETE) && $(PYTHON) -m venv $(VENV); \
	fi
	$(PIP_INSTALL) --upgrade pip
	$(PIP_INSTALL) --build-constraint constraints.txt --editable '.[dev,visdom,box2d,search,postgresql,ray,wandb,mlflow,completion,export,play,hub]'
	rm -f $(INCOMPLETE)
	touch $(INSTALLED)

clean: ## remove .venv and what tools left behind; logs/ and data/ stay
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
