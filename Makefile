# Everything is done by tests/lab; `make help` says what there is.
PYTHON ?= python3
LAB = $(PYTHON) -m tests.lab
export ONLY ARGS

.DEFAULT_GOAL := help
.PHONY: help demo demo-down test test-fast test-rest test-all mutate lint docs collection role bench secrets env lock clean

help: ## show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-12s %s\n' "$$name" "$$text"; done

demo: ## five hosts on this machine, provisioned, with an application released on them
	@$(LAB) demo

demo-down: ## remove the demo: no container, network, volume or process of this checkout stays
	@$(LAB) demo-down

test: ## fast tests, lint, every Molecule scenario, ansible-runner (ONLY="redis nginx" chooses scenarios)
	@$(LAB) test hosts

test-fast: ## unit and contract tests, no hosts
	@$(LAB) test fast

test-rest: ## the slow fault cases, and every scenario with the Debian releases swapped on hardened hosts
	@$(LAB) test rest

test-all: ## test and test-rest
	@$(LAB) test all

mutate: ## faults put into the code, which the unit tests must notice (ARGS="--seed 7 --per-file 30 --file library/package_set.py")
	@$(LAB) mutate

lint: ## ansible-lint (production), yamllint, ruff, mypy
	@$(LAB) test lint

docs: ## write the generated pages
	@$(LAB) docs

collection: ## the collection holdfast.platform as an archive that ansible-galaxy installs
	@$(LAB) collection

role: ## a new role NAME=… with everything that the contracts ask for, and the steps that remain
	@$(LAB) role $(NAME)

bench: ## benchmarks (ARGS="..." is handed on)
	@$(LAB) bench

secrets: ## generate the missing secrets of INVENTORY=…, never change one that is there
	@$(LAB) secrets $(INVENTORY)

env: ## the Python environment in .venv
	@$(LAB) env

lock: ## renew requirements.lock from pyproject.toml (needs uv)
	uv pip compile --universal --upgrade --no-emit-index-url --no-header --no-annotate --all-extras \
		--python-version 3.11 --output-file requirements.lock pyproject.toml

clean: ## demo-down, and remove images, .venv and .cache as well
	@$(LAB) clean
