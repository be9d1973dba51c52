# make demo    set everything up, then run the whole workflow on simulated letters
# make studio  set everything up, then open the studio in the browser
# make test    set everything up, then run all tests
# make lint    check style and types
# make bench   measure every figure of the README again
# make sanitize   test the compiled recurrence under the address, undefined-behaviour and thread sanitizers
# make docs    regenerate the generated pages of docs/
# make clean   remove the environment and all caches; runs/ stays

# Everything runs in .venv, which is created on first use.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
KERNELS := $(wildcard src/duree/network/kernels/*.cpp src/duree/network/kernels/*.h)
# Two threads are the reference of all benchmarks, and keep small machines responsive.
export OMP_NUM_THREADS ?= 2
# Without bytecode files each process, of which the tests start many, would compile the package again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo studio test lint bench sanitize docs clean

demo: .venv/ready
	$(BIN)/duree demo

studio: .venv/studio
	$(BIN)/duree studio

# Two workers of one thread each; then, with two threads, what needs the machine for itself.
test: .venv/dev
	status=0; \
	$(BIN)/python -m pytest -n 2 --no-loadscope-reorder -m 'not alone' || status=$$?; \
	$(BIN)/python -m pytest -m alone $$(grep -rl --include='*.py' pytest.mark.alone tests) || status=$$?; \
	exit $$status

lint: .venv/dev
	$(BIN)/ruff check src tests benchmarks docs
	$(BIN)/ruff format --check src tests benchmarks docs
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run --Werror $(KERNELS)

bench: .venv/dev
	$(PIP) --editable '.[bench]'
	set -e; for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script; done

# gcc's runtime libraries must be loaded before Python; leaks in Python itself are not reported.
sanitize: .venv/dev
	$(PIP) cmake ninja nanobind
	$(call sanitized,address,address$(COMMA)undefined,libasan.so libubsan.so)
	$(call sanitized,thread,thread,libtsan.so)

COMMA := ,
define sanitized
	PATH="$$PWD/$(BIN):$$PATH" cmake -G Ninja -S . -B build/$(1) -DDUREE_SANITIZE=$(2) \
		-Dnanobind_DIR="$$($(BIN)/python -m nanobind --cmake_dir)"
	PATH="$$PWD/$(BIN):$$PATH" cmake --build build/$(1)
	LD_PRELOAD="$(foreach library,$(3),$$(gcc -print-file-name=$(library)))" \
		ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1 \
		TSAN_OPTIONS='ignore_noninstrumented_modules=1 exitcode=66' \
		DUREE_COMPILED="$$(ls build/$(1)/compiled*.so)" \
		setarch -R $(BIN)/python -m pytest tests/network/test_kernels.py tests/network/test_rows.py \
		tests/network/test_output_layer.py
endef

docs: .venv/dev
	$(BIN)/python docs/reference/make_recipe.py

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Rebuilt only when what they install or compile changes. torch comes first, so that the pinned
# version is used.
.venv/ready: pyproject.toml constraints.txt CMakeLists.txt $(KERNELS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or newer is needed: make PYTHON=python3.12'; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) torch
	$(PIP) --editable .
	touch $@

.venv/studio: .venv/ready
	$(PIP) --editable '.[formats,chinese,onnx,studio]'
	touch $@

# Additional packages for tests, checks and benchmarks.
.venv/dev: .venv/ready
	$(PIP) --editable '.[all,dev]'
	touch $@
