# `make help` lists what there is. Nothing here needs more than make, a Python 3.10 or newer and, where something is
# missing, apt: each target brings what it needs.

PYTHON ?= python3
VENV   := $(CURDIR)/.venv
BIN    := $(VENV)/bin

export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
# Python's UTF-8 mode: a bare machine's locale is C, which ansible refuses.
export PYTHONUTF8 := 1
export PATH := $(BIN):$(PATH)

.PHONY: help fix revert check test test-all unit lint sanity integration matrix benchmarks molecule tree venv venv-run clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z -]+:.*## / { n = split($$1, names, " "); \
	  for (i = 1; i <= n; i++) printf "  make %-12s %s\n", names[i], $$2 }' $(MAKEFILE_LIST)
	@echo 'For benchmarks: SSH="root@host -p 22 -i key" measures there; TIMESYNC= and BOOTLOADER= name those roles by path,'
	@echo '  VDSOTEST= that program.'
	@echo 'For fix and revert: INVENTORY=hosts.ini (default: this machine), YES=1 does not ask, ARGS="--limit web".'

fix: venv-run tree compiler ## put this machine, or INVENTORY's, on the right clocksource
	@tools/play.sh playbooks/fix-clocksource.yml

revert: venv-run tree ## take back what fix did
	@tools/play.sh playbooks/revert-clocksource.yml

check: venv tree system ## lint, unit tests, sanity, the built collection: a few minutes
	@$(BIN)/python tests/run.py check

test: venv tree system ## check, every Python and ansible-core at hand, real kernels: about 40 minutes
	@$(BIN)/python tests/run.py test

test-all: venv tree system ## test, and every scenario that does not fit there
	@$(BIN)/python tests/run.py all

unit: venv tree ## the unit tests only
	@$(BIN)/python -m pytest $(ARGS)

lint sanity integration matrix: venv tree ## that part of the tests only
	@$(BIN)/python tests/run.py $@

benchmarks: venv tree ## the probe, clock_facts and a converged fix, the count of time calls and the collector, each beside its peers
	@command -v stress-ng >/dev/null || tools/apt.sh stress-ng || echo 'It is measured without stress-ng.'
	@$(BIN)/python benchmarks/probe.py $(if $(VDSOTEST),--vdsotest '$(VDSOTEST)')
	@$(BIN)/python benchmarks/facts.py $(if $(SSH),--ssh '$(SSH)')
	@$(BIN)/python benchmarks/converged.py $(if $(SSH),--ssh '$(SSH)') \
	  $(if $(TIMESYNC),--timesync '$(TIMESYNC)') $(if $(BOOTLOADER),--bootloader '$(BOOTLOADER)')
	@$(BIN)/python benchmarks/fleet.py
	@$(BIN)/python benchmarks/syscalls.py
	@$(BIN)/python benchmarks/collector.py

tree: ## lay this folder out as ansible_collections/cloudclock/linux
	@mkdir -p .collections/ansible_collections/cloudclock
	@test "$$(readlink .collections/ansible_collections/cloudclock/linux)" = ../../.. || \
	  ln -sfn ../../.. .collections/ansible_collections/cloudclock/linux

# A virtual environment that was copied or moved, or whose Python is gone, is made anew.
ifneq ($(wildcard $(VENV)/.run),)
  ifeq ($(shell head -n 2 $(BIN)/ansible-playbook | grep -q '$(BIN)/python' && $(BIN)/python -c 'print(1)'),)
    $(shell rm -rf $(VENV))
  endif
endif

venv-run: $(VENV)/.run
venv: $(VENV)/.test ## a virtual environment with the tests' tools

$(VENV)/.run: requirements/run.txt
	@tools/venv.sh "$(PYTHON)" $(VENV) $<
	@touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.run
	@tools/venv.sh "$(PYTHON)" $(VENV) $<
	@touch $@

# what the probe, and what the tests, use of the system's own
.PHONY: compiler system
compiler: venv-run
	@tools/compilers.sh run

system:
	@command -v git >/dev/null || tools/apt.sh git
	@command -v ip >/dev/null || tools/apt.sh iproute2
	@tools/compilers.sh test

clean: ## remove what make laid here, but not the lab's images
	rm -rf .venv .collections .cache .hypothesis .pytest_cache build tests/output

# make molecule SCENARIO=hpet, and the lab's own needs
-include molecule/lab.mk
