#!/usr/bin/env bash
# usage: tools/apt.sh PACKAGE…: install these Debian packages, or say that they are missing where there is no apt.
set -eu
command -v apt-get >/dev/null || { echo "Missing: $*. Install it with this system's own packages." >&2; exit 1; }
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)

# Two parts of the tests may come here at once.
exec 9<"$0"
flock 9
echo "Installing $* by apt-get." >&2
# Another program's apt, such as a new machine's own upgrades, may hold the lists: apt waits for dpkg's lock only.
for _try in $(seq 30); do
    if said=$("${as_root[@]}" env LC_ALL=C apt-get -q update 2>&1); then
        break
    fi
    case $said in
    *"Could not get lock"*) sleep 5 ;;
    *) break ;;
    esac
done
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y \
    --no-install-recommends "$@" >/dev/null || { echo "$said" >&2; exit 1; }
