# Two commands to begin with: `make demo` shows the main job, `make test` runs every test.
.DEFAULT_GOAL := help
.PHONY: help demo test peers lint reference lock bench crash soak wheel clean

# Tests always run on the CPU. The demo takes the GPU where an NVIDIA driver answers, in an environment of its own,
# because onnxruntime and onnxruntime-gpu exclude each other.
accelerator := $(shell nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)
demo_env := .venv
test_env := $(if $(filter gpu,$(accelerator)),.venv-cpu,.venv)
bin := $(test_env)/bin
COVERAGE := --cov --cov-report=

help: ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(demo_env)/.installed-$(accelerator) ## one radiograph through node and archive, and what came back
	$(demo_env)/bin/hilum demo

test: lint peers ## all checks and tests, and what they ran of each room; COVERAGE= measures nothing and is faster
	@rm -f .cache/coverage
	$(bin)/python -m pytest $(COVERAGE) $(PYTEST_ARGS)
	@$(bin)/python -m tests.unit.house.coverage_by_room

lint: $(test_env)/.installed-cpu ## style, types and the direction of imports
	$(bin)/ruff check
	$(bin)/ruff format --check
	$(bin)/mypy
	$(bin)/lint-imports

peers: ## real peers of the tests, from Debian
	@.ci/peers

reference: $(test_env)/.installed-cpu ## generate what config/ and the documents take from the code
	$(bin)/python -m scp_node.settings.reference
	$(bin)/python -m tests.handbook

bench: $(test_env)/.installed-cpu ## Hilum beside its peers, 40 minutes; BENCH_ARGS=--quick shows that it runs
	@.ci/peers bench
	$(bin)/python -m tests.bench $(BENCH_ARGS)

crash: $(test_env)/.installed-cpu ## kill processes of the node and cut its power for a while, and count what is lost
	$(bin)/python -m tests.crash.kill_loop
	$(bin)/python -m tests.crash.receiver_kills
	$(bin)/python -m tests.crash.power_cut

soak: $(test_env)/.installed-cpu peers ## everything that takes long, for half an hour at most; writes tests/soak/RESULTS.md
	$(bin)/python -m tests.soak

wheel: $(test_env)/.installed-cpu ## build dist/hilum-*.whl
	$(bin)/hatchling build -t wheel

lock: ## take the newest allowed versions into requirements.lock (needs uv)
	uv pip compile pyproject.toml --upgrade --extra cpu --extra dev --universal --generate-hashes \
		--no-annotate --no-header --quiet --output-file requirements.lock

clean: ## remove everything that was made here, but no data
	rm -rf .venv .venv-cpu .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp says that the environment is complete and as new as what it was made from.
%/.installed-cpu: pyproject.toml requirements.lock .ci/install
	.ci/install $* cpu
	@touch $@

%/.installed-gpu: pyproject.toml requirements.lock .ci/install
	.ci/install $* gpu
	@touch $@
