#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# usage: once.sh SECONDS COMMAND…: become that command so long after the probe has begun to look, whenever that is.
set -eu
# No words of its own in that pattern: it would find itself.
until grep -qszx 'sysca[l]ls' /proc/[0-9]*/cmdline; do
    sleep 0.2
done
sleep "$1"
shift
exec "$@"
