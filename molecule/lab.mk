# The scenarios on real kernels: molecule/README.md.
.PHONY: molecule lab-image lab-clean

molecule: venv tree
	@test -n "$(SCENARIO)" || { echo "Which one? make molecule SCENARIO=hpet; there are: $(notdir $(patsubst %/,%,$(dir $(wildcard molecule/*/molecule.yml))))"; exit 2; }
	@$(BIN)/molecule test -s $(SCENARIO)

lab-image: venv
	@command -v mmdebstrap >/dev/null || tools/apt.sh mmdebstrap fdisk e2fsprogs openssh-client
	@$(BIN)/python molecule/lab/image.py

lab-clean:
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/cloudclock-lab"
