# Every verb sets up what it needs first: a virtual environment, real Caffe and its fast layers, built once and cached.
# Words on the command line (NET=lenet GEN=13 …) are handed on to the `cavefish` command, which knows their meaning.

PYTHON     ?= $(firstword $(shell command -v python3.11 python3 2>/dev/null))
VENV       ?= .venv
CAFFE_ROOT ?=
CAFFE_SRC  ?=
export CAFFE_SRC
ifneq ($(origin TENSORRT),command line)
TENSORRT :=
endif

VERBS := evolve sweep data check shrink count onnx engine tx1 bench table plot report frontier doctor
# The shell would take the ; and quotes of SET= for its own.
WORDS  = $(subst ',\',$(subst ",\",$(subst ;,\;,$(filter-out PYTHON=% VENV=% CAFFE_ROOT=% CAFFE_SRC=%,$(MAKEOVERRIDES)))))

# The set-up is done again when one of these changes, and only then: the second time, nothing touches the network.
RECIPE := setup.py $(wildcard third_party/caffe/*.py)
KEY    := $(firstword $(shell { cat $(RECIPE); echo "$(PYTHON) $(CAFFE_ROOT) $(CAFFE_SRC) $(CURDIR)"; } | sha256sum))
READY  := $(VENV)/ready-$(KEY)
TESTED := $(VENV)/test-ready-$(KEY)
ONNXED := $(VENV)/onnx-ready-$(KEY)
BENCHED := $(VENV)/bench-ready-$(KEY)
DASKED := $(VENV)/dask-ready-$(KEY)
ENGINED := $(VENV)/engine-ready-$(KEY)$(TENSORRT:%=-%)
FAST_KEY := $(firstword $(shell { cat fastcaffe/*.py fastcaffe/src/*; echo "$(KEY)"; } | sha256sum))
FASTER := $(VENV)/fast-ready-$(FAST_KEY)

.DEFAULT_GOAL := help
.PHONY: help setup $(VERBS) test torture lint fuzz bench-tests bench-speed proto clean
MAKEFLAGS += --no-print-directory

help:
	@echo "make evolve NET=lenet GEN=13   evolve a network; the same command again resumes"
	@echo "make sweep NET=lenet SEEDS=1..8 SET='environment.synapse_budget=0.6,0.67'   seeds x settings; SCHEDULER= on Dask"
	@echo "make data NET=lenet            prepare its data set         CAVEFISH_DATA= a folder of raw data"
	@echo "make check NET=lenet           find what would stop a run   WEIGHTS= a caffemodel as generation 1"
	@echo "make shrink MODEL=deploy.prototxt WEIGHTS=w.caffemodel OUT=folder    anyone's pruned network, made smaller"
	@echo "make table | plot [RUN=...]    the papers' tables beside a run's; its curves"
	@echo "make report [RUN=...]          a run on one HTML page, readable offline   OUT= a folder or file"
	@echo "make frontier [RUN=... NET=...]  accuracy against compression of all runs, beside what others published   OUT="
	@echo "make count MODEL=deploy.prototxt   synapses, clusters, MACs, bytes a layer   WEIGHTS= its caffemodel"
	@echo "make onnx RUN=... GEN=13        a generation as ONNX; or MODEL= WEIGHTS= OUT=net.onnx; HALF=1 in 16 bits"
	@echo "make bench RUN=...             frames per second of every generation   ENGINE=openvino,onnxruntime,caffe"
	@echo "make engine RUN=... GEN=13      its TensorRT engine, HALF=0 in 32 bits; TENSORRT=rtx installs one that needs no GPU"
	@echo "make tx1 RUN=... OUT=folder    every generation and what measures them, to copy to a Jetson TX1"
	@echo "make doctor                    versions, paths, what is missing and the remedy"
	@echo "make test | lint | bench-tests tests; style and types; slow measurements"
	@echo "make torture                   kills, faults and damage by the hundred; TORTURE_RESULTS= a folder for the counts"
	@echo "make fuzz ARGS=...             10,000 damaged files of every foreign format: errors or results, never a crash"
	@echo "make bench-speed ARGS=...      training steps and inference beside PyTorch and others: tests/bench/speed"
	@echo "make setup                     only the environment and Caffe"
	@echo
	@echo "PYTHON=python3.11   CAFFE_ROOT= your own Caffe build   CAFFE_SRC= a Caffe source tree"
	@echo "Words and meanings: .venv/bin/cavefish --help"

setup: $(FASTER)

$(VERBS): $(FASTER)
	@$(VENV)/bin/cavefish $@ $(WORDS)

onnx: $(ONNXED)

bench: $(BENCHED) $(if $(TENSORRT),$(ENGINED))

engine tx1: $(ENGINED)

sweep: $(if $(SCHEDULER),$(DASKED))

test: $(TESTED) $(FASTER)
	@$(VENV)/bin/python -m pytest $(PYTEST)

torture: $(TESTED) $(FASTER)
	@TORTURE_RESULTS="$(TORTURE_RESULTS)" $(VENV)/bin/python -m pytest -m torture -s tests/torture

lint: $(TESTED)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy

bench-tests: $(TESTED) $(FASTER)
	@$(VENV)/bin/python -m pytest -m bench -s tests/bench

fuzz: $(TESTED) $(FASTER)
	@$(VENV)/bin/python -m tests.fuzz $(ARGS)

# PyTorch and others to measure beside, in a folder of their own: they are large, and nothing else needs them.
bench-speed: $(TESTED) $(FASTER) build/speed/ready
	@$(VENV)/bin/python -m tests.bench.speed $(ARGS)

build/speed/ready: tests/bench/speed/requirements.txt $(READY)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --target build/speed -r $<
	@touch $@

$(READY):
	@command -v "$(PYTHON)" >/dev/null || { echo "make: PYTHON='$(PYTHON)': no such command; apt-get install python3 python3-venv, or another PYTHON=" >&2; exit 2; }
ifneq ($(CAFFE_ROOT),)
	@test -e $(CAFFE_ROOT)/python/caffe/_caffe.so || { echo "make: $(CAFFE_ROOT)/python/caffe/_caffe.so: no such file; build pycaffe there (make pycaffe), for $(PYTHON)" >&2; exit 2; }
endif
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "make: $(PYTHON) has no venv: apt-get install python3-venv" >&2; exit 2; }
	@echo "setting up $(VENV) with $$($(PYTHON) --version)" >&2
	@$(PYTHON) -m venv --clear $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e . || \
	  { echo "make: pip could not install what setup.py lists; see above, mend the network, and repeat" >&2; exit 2; }
ifneq ($(CAFFE_ROOT),)
	@echo "$(abspath $(CAFFE_ROOT))/python" > "$$($(VENV)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/caffe_root.pth"
else
	@wheel=$$($(VENV)/bin/python third_party/caffe/build.py --python $(VENV)/bin/python) && \
	  $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps "$$wheel"
endif
	@touch $@

# Without them everything works as well, only more slowly: a run says so in its metrics, and `make doctor` says why.
$(FASTER): $(READY)
	@$(VENV)/bin/python fastcaffe/build.py --python $(VENV)/bin/python >/dev/null || \
	  echo "make: no fast layers, stock Caffe's instead; see above" >&2
	@touch $@

$(TESTED): $(READY)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

$(ONNXED): $(READY)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[onnx]'
	@touch $@

$(BENCHED): $(READY)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@touch $@

$(DASKED): $(READY)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dask]'
	@touch $@

# TensorRT is NVIDIA's and large: installed for TENSORRT=rtx or TENSORRT=tensorrt alone, else what is there is used.
$(ENGINED): $(READY)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[engine$(TENSORRT:%=,%)]' || \
	  { echo "make: pip could not install it; see above, or do without TENSORRT=" >&2; exit 2; }
	@touch $@

# The generated messages are committed, so that nobody needs protoc; a test compares them with their sources.
proto:
	@$(PYTHON) -m venv build/protoc && build/protoc/bin/pip install --quiet grpcio-tools==1.51.3 'setuptools<80'
	@cd evolve/proto && ../../build/protoc/bin/python -m grpc_tools.protoc -I. --python_out=. *.proto

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
