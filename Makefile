# Every verb sets up what it needs first: a virtual environment, real Caffe and its fast layers, built once and cached.
# Words on the command line (NET=lenet GEN=13 …) are handed on to the `cavefish` command, which knows their meaning.

# A text as one word of the shell, whatever it holds.
quoted = '$(subst ','\'',$(1))'

VENV ?= .venv
ifneq ($(words $(value VENV)),1)
$(error VENV='$(value VENV)': expected a path without blanks; give another one)
endif

# The interpreter that the environment was made by, whichever this shell would find first; without one, one that serves.
define FIND_PYTHON
made=$$(cat $(call quoted,$(VENV)/made-by) 2>/dev/null) && command -v "$$made" ||
for name in python3.11 python3 python3.12 python3.13 python3.14; do
  "$$name" -Ic $(ASK_PYTHON) 2>/dev/null && break;
done
endef
# Neither a shim, which is another in another folder, nor an activated environment's, which would clear itself.
ASK_PYTHON := 'import sys; (3, 11) <= sys.version_info < (3, 15) or sys.exit(1); print(sys._base_executable)'
ifeq ($(value PYTHON),)
override PYTHON := $(shell $(FIND_PYTHON))
endif
# As they were written: a $ in them is no variable of make's.
override PYTHON      := $(or $(shell command -v $(call quoted,$(value PYTHON))),$(value PYTHON))
# A Caffe of one's own holds once it was said, until another is, or none: CAFFE_WHEEL=. The same from whatever folder.
absolute = $(if $(1),$(shell realpath -sm -- $(call quoted,$(1))))
SAID    := $(filter-out undefined,$(origin CAFFE_ROOT) $(origin CAFFE_SRC) $(origin CAFFE_WHEEL))
said     = $(if $(SAID),$(call absolute,$(value $(1))),$(file <$(VENV)/$(2)))
override CAFFE_ROOT  := $(call said,CAFFE_ROOT,caffe-root)
override CAFFE_SRC   := $(call said,CAFFE_SRC,caffe-src)
override CAFFE_WHEEL := $(call said,CAFFE_WHEEL,caffe-wheel)
# With CUDA once `make setup GPU=1` was said, until GPU=0 is; to other verbs GPU= is the number of a device.
ifneq ($(filter setup caffe-wheel,$(MAKECMDGOALS)),)
ifneq ($(filter-out 0 1,$(value GPU)),)
$(error GPU=$(value GPU): expected 1, a Caffe with CUDA, or 0, one for CPUs)
endif
WITH_CUDA := $(GPU)
endif
ifeq ($(WITH_CUDA),)
override CAFFE_CUDA := $(file <$(VENV)/cuda)
else
override CAFFE_CUDA := $(if $(filter 1,$(WITH_CUDA)),$(or $(value CUDA_ARCH),default))
endif
export CAFFE_ROOT CAFFE_SRC CAFFE_WHEEL CAFFE_CUDA
ifneq ($(origin TENSORRT),command line)
TENSORRT :=
endif

# Modules of Python layers are found on PYTHONPATH, but never another Cavefish or another Caffe than the environment's.
ifneq ($(value PYTHONPATH),)
USERS_PYTHONPATH := $(value PYTHONPATH)
PACKAGES = $(wildcard $(VENV)/lib/python*/site-packages)
export PYTHONPATH = $(CURDIR):$(if $(CAFFE_ROOT),$(CAFFE_ROOT)/python:)$(PACKAGES:%=$(if $(VENV:/%=),$(CURDIR)/)%:)$(USERS_PYTHONPATH)
endif

# A file each, found as the command finds them.
VERBS := $(filter-out __init__,$(basename $(notdir $(wildcard evolve/command/verbs/*.py trt/verbs/*.py))))
# Make keeps the command line's words with a backslash before each blank and backslash, and $$ for $.
define newline


endef
ifneq ($(findstring $(newline),$(MAKEOVERRIDES)),)
$(error expected every NAME=value on one line)
endif
blank   := $() $()
tab     := $()	$()
unblanked = $(subst \$(tab),{tab},$(subst \$(blank),{blank},$(subst \\,{backslash},$(subst $$$$,$$,$(1)))))
blanked   = $(subst {tab},$(tab),$(subst {blank},$(blank),$(subst {backslash},\,$(1))))
OWN   := PYTHON=% VENV=% CAFFE_ROOT=% CAFFE_SRC=% CAFFE_WHEEL=%
WORDS  = $(foreach word,$(filter-out $(OWN),$(call unblanked,$(MAKEOVERRIDES))),$(call quoted,$(call blanked,$(word))))

ENVIRONMENT = third_party/environment.py --venv $(VENV) --ready $@
NO_PYTHON   := expected a Python from 3.11 to 3.14; apt-get install python3 python3-venv, or give PYTHON=

# The set-up is done again when one of these changes, and only then: the second time, nothing touches the network.
RECIPE := setup.py $(wildcard third_party/caffe/*.py third_party/caffe/cuda/*)
# An upgrade of the system has another Python by the same name.
MADE_OF := $(PYTHON) $(shell realpath -- $(call quoted,$(PYTHON)) 2>/dev/null) $(CAFFE_ROOT) $(CAFFE_SRC) $(CURDIR)$(if $(CAFFE_WHEEL), $(CAFFE_WHEEL))$(CAFFE_CUDA:%= cuda %)
KEY    := $(firstword $(shell { cat $(RECIPE); echo $(call quoted,$(MADE_OF)); } | sha256sum))
READY  := $(VENV)/ready-$(KEY)
TESTED := $(VENV)/test-ready-$(KEY)
LINTED := $(VENV)/lint-ready-$(KEY)
ONNXED := $(VENV)/onnx-ready-$(KEY)
BENCHED := $(VENV)/bench-ready-$(KEY)
DASKED := $(VENV)/dask-ready-$(KEY)
ENGINED := $(VENV)/engine-ready-$(KEY)$(TENSORRT:%=-%)
FAST_KEY := $(firstword $(shell { cat fastcaffe/*.py fastcaffe/src/*; echo "$(KEY)"; } | sha256sum))
FASTER := $(VENV)/fast-ready-$(FAST_KEY)

TARGETS := help setup caffe-wheel test torture lint fuzz bench-tests bench-speed proto clean
define NEAREST
'import difflib, sys; written, *known = sys.argv[1:]; near = difflib.get_close_matches(written, known, 1); \
sys.exit(f"make: {written}: expected a verb; " + (f"did you mean {near[0]}?" if near else "`make help` lists them"))'
endef

.DEFAULT_GOAL := help
.PHONY: $(TARGETS) $(VERBS) library-gone
MAKEFLAGS += --no-print-directory

help:
	@echo "make evolve NET=lenet GEN=13   evolve a network; the same command again resumes"
	@echo "make adopt MODEL=train_val.prototxt OUT=my_net   anybody's network made one that evolves   SOLVER= WEIGHTS= SHAPE= SET="
	@echo "make sweep NET=lenet SEEDS=1..8 SET='environment.synapse_budget=0.6,0.67'   seeds x settings; SCHEDULER= on Dask"
	@echo "make data NET=lenet            prepare its data set         CAVEFISH_DATA= a folder of raw data"
	@echo "make check NET=lenet           find what would stop a run   WEIGHTS= a caffemodel as generation 1"
	@echo "make shrink MODEL=deploy.prototxt WEIGHTS=w.caffemodel OUT=folder    anyone's pruned network, made smaller"
	@echo "make fold RUN=... GEN=13        BatchNorm and Scale folded into the weights   or MODEL= WEIGHTS= OUT=folder"
	@echo "make table | plot [RUN=...]    the papers' tables beside a run's; its curves"
	@echo "make choose [RUN=...]          the smallest generation that scores nearly the same: GEN=best   WITHIN=.005"
	@echo "make report [RUN=...]          a run on one HTML page, readable offline   OUT= a folder or file"
	@echo "make serve                     the runs in a browser, also while they go on   PORT=8765 HOST=127.0.0.1"
	@echo "make frontier [RUN=... NET=...]  accuracy against compression of all runs, beside what others published   OUT="
	@echo "make count MODEL=deploy.prototxt   synapses, clusters, MACs, bytes a layer   WEIGHTS= its caffemodel"
	@echo "make classify IMAGE=... RUN=... GEN=best   classes of your own images   ENGINE=caffe|openvino|onnxruntime|tensorrt OUT="
	@echo "make detect IMAGE=... RUN=... GEN=best     boxes on your own images, or on the frames of a video"
	@echo "make onnx RUN=... GEN=13        a generation as ONNX; or MODEL= WEIGHTS= OUT=net.onnx; HALF=1 in 16 bits, INT8=1 in 8"
	@echo "make c RUN=... GEN=13           a generation as one C99 file; or MODEL= WEIGHTS= OUT=net.c; BITS=8 a weight"
	@echo "make bench RUN=...             frames per second of every generation   ENGINE=openvino,openvino-int8,caffe   SCORES=1"
	@echo "make engine RUN=... GEN=13      its TensorRT engine, HALF=0 in 32 bits, INT8=1 in 8; TENSORRT=rtx installs one without GPU"
	@echo "make tx1 RUN=... OUT=folder    every generation and what measures them, to copy to a Jetson TX1"
	@echo "make device DEVICE=orin RUN=...   the same for a Jetson Nano, Xavier or Orin, or a Raspberry Pi 5: nano xavier pi5"
	@echo "make completion SHELL=zsh       completion of the cavefish command for bash or zsh"
	@echo "make doctor                    versions, paths, what is missing and the remedy"
	@echo "make test | lint | bench-tests tests; style, types and imports; slow measurements"
	@echo "make torture                   kills, faults and damage by the hundred; TORTURE_RESULTS= a folder for the counts"
	@echo "make fuzz ARGS=...             10,000 damaged files of every foreign format: errors or results, never a crash"
	@echo "make bench-speed ARGS=...      training steps and inference beside PyTorch and others: tests/bench/speed"
	@echo "make setup                     only the environment and Caffe; GPU=1 with CUDA   CUDA_ARCH=75-90 other than here"
	@echo "make caffe-wheel PYTHON=...    Caffe as a file, for other machines and Pythons   OUT= a folder (dist) GPU=1"
	@echo
	@echo "PYTHON=python3.11   CAFFE_ROOT= your own Caffe build   CAFFE_SRC= a Caffe source tree   CAFFE_WHEEL= a wheel"
	@echo "Words and meanings: .venv/bin/cavefish help; of one verb: .venv/bin/cavefish evolve --help"

setup: $(FASTER)

$(VERBS): $(FASTER)
	@$(VENV)/bin/python $(VENV)/bin/cavefish $@ $(WORDS)

onnx c: $(ONNXED)

onnx: $(if $(INT8),$(ENGINED))

bench: $(BENCHED) $(if $(TENSORRT),$(ENGINED))

classify detect: $(if $(filter-out caffe,$(ENGINE)),$(BENCHED)) $(if $(TENSORRT),$(ENGINED))

engine tx1 device: $(ENGINED)

sweep: $(if $(SCHEDULER),$(DASKED))

# Tests start hundreds of Pythons: where bytecode is not to be kept, half of the time went into compiling the sources.
test torture bench-tests fuzz: export PYTHONDONTWRITEBYTECODE :=

# Side by side, as many as there are cores. Status 5: none was chosen.
test: $(TESTED) $(FASTER)
	@$(VENV)/bin/python -m pytest -n auto --maxprocesses 8 --dist worksteal $(PYTEST) || [ $$? = 5 ]

torture: $(TESTED) $(FASTER)
	@TORTURE_RESULTS=$(call quoted,$(value TORTURE_RESULTS)) $(VENV)/bin/python -m pytest -m torture -s tests/torture

lint: $(LINTED)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/python -m mypy
	@$(VENV)/bin/python $(VENV)/bin/lint-imports --no-logo --cache-dir build/imports

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
	@command -v $(call quoted,$(PYTHON)) >/dev/null || { echo $(call quoted,make: PYTHON=$(PYTHON): $(NO_PYTHON)) >&2; exit 2; }
	@$(call quoted,$(PYTHON)) -E $(ENVIRONMENT) --made-by $(call quoted,$(PYTHON))

# Without them everything works as well, only more slowly: a run says so in its metrics, and `make doctor` says why.
$(FASTER): $(READY) $(if $(shell library=$$(cat $(FASTER) 2>/dev/null) && [ -n "$$library" ] && { [ ! -e "$$library" ] || ldd "$$library" 2>/dev/null | grep -q "dnnl.* not found"; } && echo gone),library-gone)
	@$(VENV)/bin/python fastcaffe/build.py --python $(VENV)/bin/python >$@ || \
	  echo "make: no fast layers, stock Caffe's instead, which trains as well, only more slowly; mend what stands above," \
	    "then $(VENV)/bin/python fastcaffe/build.py; XDG_CACHE_HOME= is another cache folder" >&2

# Its library lies in the cache, which whoever tidies up may have emptied, or left without oneDNN's, which is needed.
library-gone:
	@rm -f "$$(cat $(FASTER))"

$(TESTED) $(LINTED) $(ONNXED) $(BENCHED) $(DASKED): $(READY)
	@$(VENV)/bin/python $(ENVIRONMENT) --extras $(firstword $(subst -, ,$(notdir $@)))

# TensorRT is NVIDIA's and large: installed for TENSORRT=rtx or TENSORRT=tensorrt alone, else what is there is used.
$(ENGINED): $(READY)
	@$(VENV)/bin/python $(ENVIRONMENT) --extras $(call quoted,engine$(TENSORRT:%=,%))

# Caffe for another Python, or for a machine that is no Debian, where it is given as CAFFE_WHEEL=: third_party/caffe.
caffe-wheel:
	@$(call quoted,$(PYTHON)) -E -m venv --clear build/caffe-wheel
	@env -u PYTHONPATH -u PYTHONSAFEPATH -u CAFFE_WHEEL build/caffe-wheel/bin/python third_party/caffe/build.py \
	  --python build/caffe-wheel/bin/python --out $(call quoted,$(or $(value OUT),dist))

# The generated messages, and their types for mypy, are committed: nobody needs protoc; a test compares all of them.
proto:
	@$(call quoted,$(PYTHON)) -m venv build/protoc && build/protoc/bin/pip install --quiet grpcio-tools==1.51.3 'setuptools<80'
	@cd evolve/proto && ../../build/protoc/bin/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. *.proto

# A mistyped verb is answered as the command does it, before anything is set up.
Makefile: ;
.DEFAULT:
	@$(call quoted,$(PYTHON)) -Ic $(NEAREST) $(call quoted,$@) $(VERBS) $(TARGETS)

clean:
	@[ ! -e $(VENV) ] || [ -e $(VENV)/made-by ] || rmdir $(VENV) 2>/dev/null || \
	  { echo "make: VENV=$(VENV): expected an environment of Cavefish, got another folder, which stays" >&2; exit 2; }
	rm -rf $(VENV) $(VENV).lock build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
