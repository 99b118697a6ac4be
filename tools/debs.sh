#!/usr/bin/env bash
# usage: tools/debs.sh FOLDER PACKAGE…: unpack these Debian packages into FOLDER, unless they are there already.
# Nothing is installed, so that no service of theirs is started here.
set -eu
folder=$1
shift
mark=$folder/.unpacked
tools=$(cd "$(dirname "$0")" && pwd)
# Parts of the tests that run side by side want the same ones.
exec 9<"$0"
flock 9
[ "$(cat "$mark" 2>/dev/null)" != "$*" ] || exit 0
command -v apt-get >/dev/null || { echo "Missing: $*. There is no apt here to download them by." >&2; exit 1; }
echo "Unpacking $* into $folder." >&2
rm -rf "$folder/download"
mkdir -p "$folder/download"
cd "$folder/download"
apt-get -q download "$@" >/dev/null 2>&1 || {
    [ "$(id -u)" = 0 ] || sudo -n true
    "$tools/apt-lists.sh"
    apt-get -q download "$@" >/dev/null
}
for deb in *.deb; do
    dpkg-deb -x "$deb" "$folder"
done
rm -r "$folder/download"
echo "$*" >"$mark"
