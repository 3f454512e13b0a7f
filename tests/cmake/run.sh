#!/bin/sh
# run.sh - a CMake project beside an installed Seam: find_package, a CTest entry for each test, and
# one PostgreSQL for all programs of `ctest -j8`. $SEAM_PREFIX names an installation (default: one is
# made). The last line is "N passed, N failed".
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/cmake.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
export SEAM_CACHE="${SEAM_CACHE:-$work/cache}"
passed=0 failed=0

check() { # check WHAT WANT GOT
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'cmake: %s: %s, want %s\n' "$1" "$3" "$2"
    fi
}

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

build() {
    if ! { cmake -G Ninja -S "$here" -B "$work/sample" -DCMAKE_PREFIX_PATH="$prefix" &&
        cmake --build "$work/sample"; } >"$work/log" 2>&1; then
        tail -n 30 "$work/log"
        check 'the project builds' yes no
        finish
    fi
}

prefix=${SEAM_PREFIX:-$work/prefix}
[ -n "${SEAM_PREFIX:-}" ] || "$here/../meson/install.sh" "$work" || { check 'install' yes no; finish; }
build
(cd "$work/sample" && ctest -j8 --output-on-failure) >"$work/ctest" 2>&1
check 'exit code of ctest -j8' 0 $?
log=$work/sample/Testing/Temporary/LastTest.log
check 'entries' 15 "$(grep -c ' Test *#' "$work/ctest")"
check 'passed' 9 "$(grep -c ' Passed ' "$work/ctest")"
check 'skipped: no printer, and gated' 6 "$(grep -c '\*\*\*Skipped' "$work/ctest")"
check 'prefix of a name' 5 "$(grep -c ' Test.* pay/' "$work/ctest")"
check 'tests that told their server' 6 "$(grep -ac 'server of ' "$log")"
check 'servers' 1 "$(grep -ao 'server of .*' "$log" | sort -u | wc -l)"
check 'label from a tag' 6 \
    "$(cd "$work/sample" && ctest -N -L integration | grep -c ' Test *#')"
check 'label of its own' 5 "$(cd "$work/sample" && ctest -N -L sample | grep -c ' Test *#')"
[ "$failed" -eq 0 ] || tail -n 60 "$work/ctest"
finish
