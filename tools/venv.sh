#!/usr/bin/env bash
# usage: tools/venv.sh PYTHON FOLDER REQUIREMENTS: a virtual environment with these packages.
set -eu
python=$1 folder=$2 requirements=$3
apt=$(dirname "$0")/apt.sh

command -v "$python" >/dev/null || "$apt" python3 python3-venv
# Debian ships the venv module without the pip that goes into one.
"$python" -c 'import ensurepip, venv' 2>/dev/null || "$apt" python3-venv
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
    echo "$("$python" -V) is too old to run ansible-core 2.16 (3.10): name a newer one by PYTHON=." >&2
    exit 1
}

# A half-made one, or one whose Python is gone, is made anew.
"$folder/bin/python" -m pip --version >/dev/null 2>&1 || { rm -rf "$folder"; "$python" -m venv "$folder"; }
echo "Putting what $requirements names into $folder." >&2
"$folder/bin/python" -m pip install -qq --disable-pip-version-check -r "$requirements"
