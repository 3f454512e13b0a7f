#!/bin/sh
# run.sh - a Meson project beside an installed Seam: dependency('seam') and one PostgreSQL for all
# programs of `meson test`. $SEAM_PREFIX names an installation (default: one is made). The last line
# is "N passed, N failed".
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/meson.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
export SEAM_CACHE="${SEAM_CACHE:-$work/cache}"
passed=0 failed=0

check() { # check WHAT WANT GOT
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'meson: %s: %s, want %s\n' "$1" "$3" "$2"
    fi
}

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

# A copy: the source of the programs is the one of the CMake sample.
build() {
    mkdir "$work/source"
    cp "$here/meson.build" "$here/gated_test.c" "$here/../cmake/program_test.c" "$work/source"
    if ! { PKG_CONFIG_PATH="$prefix/lib/pkgconfig" meson setup "$work/sample" "$work/source" &&
        ninja -C "$work/sample"; } >"$work/log" 2>&1; then
        tail -n 30 "$work/log"
        check 'the project builds' yes no
        finish
    fi
}

prefix=${SEAM_PREFIX:-$work/prefix}
[ -n "${SEAM_PREFIX:-}" ] || "$here/install.sh" "$work" || { check 'install' yes no; finish; }
build
(cd "$work/sample" && meson test) >"$work/test" 2>&1
check 'exit code of meson test' 0 $?
check 'passed' 3 "$(sed -n 's/^Ok: *\([0-9]*\).*/\1/p' "$work/test")"
check 'skipped, all gated' 1 "$(sed -n 's/^Skipped: *\([0-9]*\).*/\1/p' "$work/test")"
log=$work/sample/meson-logs/testlog.txt
check 'tests that told their server' 6 "$(grep -ac 'server of ' "$log")"
check 'servers' 1 "$(grep -ao 'server of .*' "$log" | sort -u | wc -l)"
check 'pkg-config knows a version' yes \
    "$(PKG_CONFIG_PATH="$prefix/lib/pkgconfig" pkg-config --exists 'seam >= 0.1' && echo yes)"
[ "$failed" -eq 0 ] || tail -n 60 "$log"
finish
