#!/usr/bin/env bash
# usage: tools/apt-lists.sh: bring apt's lists of packages up to date.
# Another program's apt, such as a new machine's own upgrades, may hold them: apt itself waits for dpkg's lock only.
set -eu
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
for try in $(seq 60); do
    if said=$("${as_root[@]}" env LC_ALL=C apt-get -q update 2>&1); then
        exit 0
    fi
    [[ $said == *"Could not get lock"* && $try -lt 60 ]] || break
    sleep 5
done
echo "$said" >&2
exit 1
