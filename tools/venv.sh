#!/usr/bin/env bash
# usage: tools/venv.sh PYTHON FOLDER REQUIREMENTS: a virtual environment with these packages; quick when it is there.
set -eu
python=$1 folder=$2 requirements=$3

install_packages() {
    command -v apt-get >/dev/null || { echo "Missing: $*. Install it with this system's own packages." >&2; exit 1; }
    as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    echo "Installing $* by apt-get." >&2
    "${as_root[@]}" apt-get -q update >/dev/null
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null
}

command -v "$python" >/dev/null || install_packages python3 python3-venv
# Debian ships the venv module without the pip that goes into one.
"$python" -c 'import ensurepip, venv' 2>/dev/null || install_packages python3-venv
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
    echo "$("$python" -V) is too old to run ansible-core 2.16 (3.10): name a newer one by PYTHON=." >&2
    exit 1
}

# A half-made one, or one whose Python is gone, is made anew.
"$folder/bin/python" -m pip --version >/dev/null 2>&1 || { rm -rf "$folder"; "$python" -m venv "$folder"; }
"$folder/bin/python" -m pip install -qq --disable-pip-version-check -r "$requirements"
