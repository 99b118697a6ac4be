#!/usr/bin/env bash
# usage: tools/compilers.sh run|test: bring a C compiler for the probe where there is none; for the tests, all they use.
# It never fails: without one the clock's facts and the fix still work, and say what they could not measure.
set -eu
folder=$(dirname "$0")

# Nobody is asked for a password, nor kept waiting for a mirror, for what can be done without.
bring() {
    [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null || {
        echo "Missing: $*. Installing that takes root's rights." >&2
        return 1
    }
    timeout 600 "$folder/apt.sh" "$@"
}

here() {
    local name
    for name in "$@"; do
        ! command -v "$name" >/dev/null || return 0
    done
    return 1
}

# Not gcc-multilib, which excludes the cross compilers: the 32-bit libraries by themselves are enough.
wanted() {
    here musl-gcc || echo musl-tools
    here gcc || echo gcc libc6-dev
    here valgrind || echo valgrind
    [ "$(uname -m)" = x86_64 ] || return 0
    here qemu-aarch64 || echo qemu-user
    here aarch64-linux-gnu-gcc || echo gcc-aarch64-linux-gnu libc6-dev-arm64-cross
    [ -e /usr/lib32/crt1.o ] || echo libc6-dev-i386
}

case $1 in
run)
    here musl-gcc cc gcc clang || python -c 'import ziglang' 2>/dev/null || bring musl-tools gcc ||
        echo "There is no C compiler: the machines' clocks are not measured by the probe." >&2
    ;;
test)
    read -r -a packages <<<"$(wanted | tr '\n' ' ')"
    [ "${#packages[@]}" = 0 ] || bring "${packages[@]}" || echo "The tests that need them are skipped." >&2
    # known by its number only once the compiler is there; a link test of 32 bits needs it
    if [ -e /usr/lib32/crt1.o ] && here gcc; then
        number=$(gcc -dumpversion)
        [ -e "/usr/lib/gcc/x86_64-linux-gnu/$number/32/libgcc.a" ] || bring "lib32gcc-$number-dev" ||
            echo "The tests of 32 bits are skipped." >&2
    fi
    ;;
esac
