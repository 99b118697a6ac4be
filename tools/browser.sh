#!/usr/bin/env bash
# usage: tools/browser.sh PYTHON: bring Chromium, a font and what drives it to where they are missing, for tests/page.
# It never fails: the tests that need a browser are skipped without one, and say so.
set -eu
folder=$(dirname "$0")
command -v chromium >/dev/null || {
    if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then
        timeout 600 "$folder/apt.sh" chromium fonts-liberation || echo "There is no Chromium." >&2
    else
        echo "Missing: chromium. Installing that takes root's rights." >&2
    fi
}
"$1" -c 'import playwright' 2>/dev/null ||
    timeout 600 "$1" -m pip install -qq --disable-pip-version-check -r "$folder/../requirements/page.txt" ||
    echo "There is no playwright." >&2
