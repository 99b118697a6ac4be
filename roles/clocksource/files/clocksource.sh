#!/bin/sh
# Copyright (c) 2026, the cloudclock.linux contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# usage: clocksource.sh now|watch NAME [FOLDER]
#   now    one attempt, silent where it comes to nothing: watch follows
#   watch  an attempt each second for 30 seconds, silent where NAME is the clocksource from the start
# One line says what came of it. The exit code is 0 whatever it was: a slow clock must not be a failed boot.
set -u

mode=$1 name=$2
folder=${3:-/sys/devices/system/clocksource/clocksource0}
current=$folder/current_clocksource
patience=30
waited=0

# The journal reads <4> as a warning and <6> as information.
say() { printf '<%s>%s\n' "$1" "$2"; }

content() {
    text=
    { read -r text <"$1"; } 2>/dev/null
    printf '%s' "$text"
}

# The kernel accepts a name that it does not know: it drops the present override for it and reports success. So look
# first, and at whole words, because tsc is also a part of hyperv_clocksource_tsc_page.
offered() {
    case " $(content "$folder/available_clocksource") " in
        *" $name "*) return 0 ;;
        *) return 1 ;;
    esac
}

# Fails where there is reason to look again.
attempt() {
    before=$(content "$current")
    if [ "$before" = "$name" ]; then
        if [ "$mode" = now ] || [ "$waited" -gt 0 ]; then
            say 6 "$name is the clocksource already"
        fi
        return 0
    fi
    offered || return 1
    { printf '%s\n' "$name" >"$current"; } 2>/dev/null
    after=$(content "$current")
    if [ "$after" = "$name" ]; then
        say 6 "$name is the clocksource now, it was $before; waited $waited s"
        return 0
    fi
    return 1
}

attempt && exit 0
while [ "$mode" = watch ] && [ -e "$current" ] && [ "$waited" -lt "$patience" ]; do
    sleep 1
    waited=$((waited + 1))
    attempt && exit 0
done
if [ ! -e "$current" ]; then
    set -- "there is no $current: nothing to do"
elif offered; then
    set -- "the kernel offers $name but stays on $(content "$current"); waited $waited s"
else
    there=$(content "$folder/available_clocksource")
    set -- "$name is not offered after $waited s (there is $there): still on $before"
fi
[ "$mode" = now ] || say 4 "$1"
exit 0
