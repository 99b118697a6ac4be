#!/usr/bin/env bash
# usage: tools/apt.sh PACKAGE…: install these Debian packages, or say that they are missing where there is no apt.
set -eu
command -v apt-get >/dev/null || { echo "Missing: $*. Install it with this system's own packages." >&2; exit 1; }
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
echo "Installing $* by apt-get." >&2
"$(dirname "$0")/apt-lists.sh"
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y \
    --no-install-recommends "$@" >/dev/null
