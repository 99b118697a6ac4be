# The scenarios on real kernels: molecule/README.md.
.PHONY: molecule lab-image lab-clean

molecule: venv tree ## one scenario on a real kernel: SCENARIO=hpet
	@test -n "$(SCENARIO)" || { echo "Which one? make molecule SCENARIO=hpet; there are: $(notdir $(patsubst %/,%,$(dir $(wildcard molecule/*/molecule.yml))))"; exit 2; }
	@$(BIN)/molecule test -s $(SCENARIO)

lab-image: venv ## the image that the scenarios boot, where it is missing or old
	@command -v mmdebstrap >/dev/null || tools/apt.sh mmdebstrap fdisk e2fsprogs openssh-client
	@$(BIN)/python molecule/lab/image.py

lab-clean: ## remove the lab's images
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/cloudclock-lab"
