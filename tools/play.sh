#!/usr/bin/env bash
# usage: tools/play.sh PLAYBOOK: show what it would do, ask where there is a terminal, do it.
# INVENTORY: hosts to work on, else this machine. YES=1: do it at once. ARGS: further arguments of ansible-playbook.
set -eu -o pipefail
playbook=$1
terminal=
if [ -t 0 ] && [ -t 1 ]; then
    terminal=yes
    export ANSIBLE_FORCE_COLOR=1
fi

command=(ansible-playbook "$playbook")
if [ -n "${INVENTORY:-}" ]; then
    command+=(-i "$INVENTORY")
else
    # The target's Python is the system's, not the virtual environment's that is first in PATH.
    interpreter=/usr/bin/python3
    [ -x "$interpreter" ] || interpreter=$(command -v python3)
    command+=(-i "localhost," -c local -e "ansible_python_interpreter=$interpreter")
    if [ "$(id -u)" = 0 ]; then
        # root needs no sudo, and a small machine has none
        command+=(-e ansible_become=false)
    else
        command -v sudo >/dev/null || [[ "${ARGS:-}" == *become* ]] || {
            echo "This takes root's rights: run it as root, or with sudo installed." >&2
            exit 1
        }
        command+=(--become)
        [ -z "$terminal" ] || sudo -n true 2>/dev/null || command+=(--ask-become-pass)
    fi
fi
# xargs splits as a shell does, quotes and all, and runs nothing. The last line keeps empty words at the end from $().
parsed=$(xargs -r -n 1 printf '%s\n' <<<"${ARGS:-}" && echo end) || {
    echo "ARGS is not to be understood (a quote that does not close?). Nothing was done." >&2
    exit 2
}
mapfile -t more <<<"$parsed"
unset 'more[-1]'
command+=("${more[@]}")

if [ "${YES:-}" != 1 ]; then
    echo "The plan (check mode: nothing is changed)"
    shown=$(mktemp)
    trap 'rm -f "$shown"' EXIT
    planned=0
    "${command[@]}" --check --diff | tee "$shown" || planned=$?
    changes=
    ! grep -qE 'ok=[0-9]+ .*changed=[1-9]' "$shown" || changes=yes
    if [ "$planned" = 0 ] && [ -z "$changes" ]; then
        echo "Nothing to change."
        exit 0
    fi
    if [ "$planned" != 0 ]; then
        echo "The plan failed, on all hosts or on some: see above. Nothing was changed."
        if [ -z "$changes" ] || [ -z "$terminal" ]; then
            echo "Leave such hosts out by ARGS=\"--limit 'all:!host'\", or do it all the same by YES=1."
            exit "$planned"
        fi
    fi
    if [ -n "$terminal" ]; then
        read -r -p "Do it? [y/N] " answer
        case $answer in [yY]*) ;; *) echo "Nothing was changed."; exit 0 ;; esac
    fi
fi
"${command[@]}"
