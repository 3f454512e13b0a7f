#!/bin/sh
# run.sh - examples/orders as a newcomer has it: copied out of the tree, built by its own Makefile beside an
# installed Seam, with nothing of this tree in sight. $SEAM_PREFIX names an installation (default: one is
# made). The last line is "N passed, N failed".
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/lifted.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
chmod 711 "$work" # servers do not run as root
export SEAM_CACHE="${SEAM_CACHE:-$work/cache}"
passed=0 failed=0

check() { # check WHAT WANT GOT
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'lifted: %s: %s, want %s\n' "$1" "$3" "$2"
    fi
}

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

# make in the copy, with a newcomer's environment: $1 is the target, the rest its variables.
make_there() {
    env -i HOME="$work" PATH="$prefix/bin:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin" \
        PKG_CONFIG_PATH="$prefix/lib/pkgconfig" SEAM_CACHE="$SEAM_CACHE" TMPDIR="${TMPDIR:-/tmp}" \
        make -C "$work/orders" "$@" >"$work/make.log" 2>&1
}

# run WHAT TARGET [VARIABLE=VALUE...]
run() {
    what=$1
    shift
    make_there "$@"
    status=$?
    check "$what" 0 "$status"
    [ "$status" -eq 0 ] || tail -n 40 "$work/make.log"
}

count() { # count PATTERN: lines of the last make
    grep -c -- "$1" "$work/make.log"
}

prefix=${SEAM_PREFIX:-$work/prefix}
[ -n "${SEAM_PREFIX:-}" ] || "$root/tests/meson/install.sh" "$work" || { check 'install' yes no; finish; }
cp -R "$root/examples/orders" "$work/orders"
rm -rf "$work/orders/build"

check 'production code includes nothing of Seam' '' \
    "$(cd "$work/orders" && grep -rl --include='*.[ch]' --exclude='*_test.[ch]' --exclude-dir=testkit 'seam' . | sort)"
run 'the daemon builds' build/ordersd
run 'unit and double tests' test FLAGS=-v
check 'at least 60 tests of these' yes "$([ "$(count '^--- PASS')" -ge 60 ] && echo yes)"
run 'the doubles tell the truth' verify
check 'contradicted' 1 "$(count ' 0 contradicted$')"
run 'all tests, with real servers' check FLAGS='-v -no-skip'
for flow in order_flow order_flow_with_services order_flow_of_the_daemon; do
    check "$flow" 1 "$(count "^--- PASS: $flow ")"
done
check 'skipped' 0 "$(count '^--- SKIP')"
finish
