# Two commands to begin with: `make demo` shows the main job, `make test` runs every test.
.DEFAULT_GOAL := help
.PHONY: help demo demo-keep test coverage peers lint reference lock sbom bench crash soak wheel clean

# Tests always run on the CPU. The demo takes the GPU where an NVIDIA driver answers, in an environment of its own,
# because onnxruntime and onnxruntime-gpu exclude each other.
accelerator := $(shell nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)
demo_env := .venv
test_env := $(if $(filter gpu,$(accelerator)),.venv-cpu,.venv)
bin := $(test_env)/bin
pytest := $(bin)/python -m pytest -n auto --dist loadfile

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(demo_env)/.installed-$(accelerator) ## one radiograph through node and archive, and what came back
	$(demo_env)/bin/hilum demo

demo-keep: $(demo_env)/.installed-$(accelerator) ## the same, and node, archive and console stay until Ctrl-C
	$(demo_env)/bin/hilum demo --keep

test: lint peers ## all checks and tests
	$(pytest) $(PYTEST_ARGS)

coverage: lint peers ## the same, slower, and what they ran of each room
	@rm -f .cache/coverage
	$(pytest) --cov --cov-report= $(PYTEST_ARGS)
	@$(bin)/python -m tests.unit.house.coverage_by_room

lint: $(test_env)/.installed-cpu ## style, types and the direction of imports
	$(bin)/ruff check
	$(bin)/ruff format --check
	$(bin)/mypy
	$(bin)/lint-imports

peers: ## real peers of the tests, from Debian and npm
	@.ci/peers
	@.ci/ohif

reference: $(test_env)/.installed-cpu ## generate what config/ and the documents take from the code
	$(bin)/python -m scp_node.settings.reference
	$(bin)/python -m tests.handbook

bench: $(test_env)/.installed-cpu ## Hilum beside its peers, 40 minutes; BENCH_ARGS=--quick shows that it runs
	@.ci/peers bench
	$(bin)/python -m tests.bench $(BENCH_ARGS)

crash: $(test_env)/.installed-cpu ## kill processes of the node and cut its power for a while, and count what is lost
	$(bin)/python -m tests.crash.kill_loop
	$(bin)/python -m tests.crash.kill_loop --postgresql
	$(bin)/python -m tests.crash.two_writers
	$(bin)/python -m tests.crash.two_hosts --rounds 10
	$(bin)/python -m tests.crash.two_hosts --rounds 3 --blobs s3
	$(bin)/python -m tests.crash.receiver_kills
	$(bin)/python -m tests.crash.power_cut

soak: $(test_env)/.installed-cpu peers ## everything that takes long, for half an hour at most; writes tests/soak/RESULTS.md
	$(bin)/python -m tests.soak

wheel: .venv-wheel/.installed-wheel ## dist/: the wheel, the locks that it is installed from, node.yaml and hilum.service
	.venv-wheel/bin/hatchling build -t wheel
	cp requirements.lock config/deploy/requirements-gpu.lock config/node.yaml config/deploy/hilum.service dist/

# The versions of the first lock hold in the others. No lock names a host, because the client knows where to ask.
compile := uv pip compile pyproject.toml --universal --generate-hashes --no-annotate --no-header --quiet

lock: ## take the newest allowed versions into the locks (needs uv); then make sbom
	$(compile) --upgrade --extra cpu --output-file requirements.lock
	$(compile) --upgrade --extra gpu --constraints requirements.lock --output-file config/deploy/requirements-gpu.lock
	$(compile) --upgrade --extra dev --constraints requirements.lock --output-file .ci/requirements-dev.lock

# The same lock makes the same bytes: their time is that of its commit.
sbom: $(test_env)/.installed-cpu ## bill of materials and licence notices of requirements.lock, into config/deploy/
	SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct -- requirements.lock)} $(bin)/python -m tests.supply

clean: ## remove everything that was made here, but no data
	rm -rf .venv .venv-cpu .venv-wheel .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp says that the environment is complete and as new as what it was made from.
%/.installed-cpu: pyproject.toml requirements.lock .ci/requirements-dev.lock .ci/install
	.ci/install $* cpu
	@touch $@

%/.installed-wheel: .ci/requirements-dev.lock .ci/install
	.ci/install $* wheel
	@touch $@

%/.installed-gpu: pyproject.toml config/deploy/requirements-gpu.lock .ci/requirements-dev.lock .ci/install
	.ci/install $* gpu
	@touch $@
