#!/bin/sh
# shellcheck disable=SC2086,SC2046 # flags are lists of words
# run.sh - tests as users write them compile against the public headers, as C11 and as C++20, with
# gcc and clang; every header compiles alone; a trivial test program loads libc and nothing else.
#
# `later` lists the tests that wait for a header that does not exist yet; a test that waits for
# nothing any more is a failure there, as is one that waits and is not listed. `c_only` lists those
# that are no C++.
# The last line is "N passed, N failed".
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
include=$root/include
work=$(mktemp -d "${TMPDIR:-/tmp}/specimens.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
export SEAM_CACHE="${SEAM_CACHE:-$work/cache}"
passed=0 failed=0
strict='-Wall -Wextra -Wpedantic -Wshadow -Werror -fsyntax-only'

# try WHAT COMMAND...: the command must succeed.
try() {
    what=$1
    shift
    if "$@" >"$work/said" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "specimens: $what"
        sed 's/^/    /;20q' "$work/said"
    fi
}

# The rows that 13_table.c includes.
make_rows() {
    {
        echo 'struct row { const char *name, *in; size_t in_size; const char *out; size_t out_size; int result; };'
        echo 'static const struct row rows[5000] = {'
        awk 'BEGIN { for (i = 0; i < 5000; i++) printf "{ \"row %d\", \"a\", 1, \"b\", 1, 0 },\n", i }'
        echo '};'
    } >"$work/rows.inc"
}

# The first header of ours that a file includes and that is not there.
missing_header() {
    sed -n 's/^#include <seam\/\(.*\)>.*/\1/p' "$1" | while read -r header; do
        [ -e "$include/seam/$header" ] || { echo "$header"; break; }
    done
}

# What `seam test` would add for the file's //seam:pkg-config directives.
package_flags() {
    sed -n 's|^//seam:pkg-config ||p' "$1" | xargs -r pkg-config --cflags
}

compile_c() {
    try "$(basename "$1") as C11 with $2" "$2" -x c -std=c11 -D_GNU_SOURCE $strict -I"$include" \
        -I"$work" $(package_flags "$1") "$1"
}

compile_cxx() {
    try "$(basename "$1") as C++20 with $2" "$2" -x c++ -std=c++20 $strict -I"$include" \
        -I"$work" $(package_flags "$1") "$1"
}

compile_specimen() {
    case $1 in
    *.c)
        compile_c "$1" gcc
        compile_c "$1" clang
        ;;
    esac
    grep -q "^$(basename "$1") " "$here/c_only" && return
    compile_cxx "$1" g++
    compile_cxx "$1" clang++
}

specimens() {
    for file in "$here"/tests/*; do
        name=$(basename "$file")
        waits_for=$(missing_header "$file")
        listed=$(sed -n "s/^$name //p" "$here/later")
        if [ -n "$waits_for" ] && [ "$listed" = "$waits_for" ]; then
            echo "specimens: $name waits for seam/$waits_for"
        elif [ -n "$waits_for$listed" ]; then
            try "$name waits for '$waits_for', 'later' says '$listed'" false
        else
            compile_specimen "$file"
        fi
    done
}

# The file refused.c must not compile, for a reason that is about the value.
refuse() {
    ! "$2" -x "${1%%[12]*}" -std="$1" -fsyntax-only -I"$include" "$work/refused.c" 2>"$work/reason" &&
        grep -q 'NULL is no value\|deleted\|_Generic' "$work/reason"
}

# What SEAM_V takes, beside text, of what is NULL or near it.
values() {
    for text in NULL '(void *)0' '(int *)0'; do
        value_is_refused "$text" gcc c11
        value_is_refused "$text" clang c11
    done
    for text in NULL nullptr '(void *)0' '(int *)0'; do
        value_is_refused "$text" g++ c++20
        value_is_refused "$text" clang++ c++20
    done
}

value_is_refused() {
    printf '#include <seam/pg_mock.h>\nseam_value v(void);\nseam_value v(void) { return SEAM_V(%s); }\n' \
        "$1" >"$work/refused.c"
    try "SEAM_V($1) does not compile as $3 with $2" refuse "$3" "$2"
}

# Alone, in the strictest mode, without the extensions that a program of ours may ask for.
headers() {
    for header in "$include"/seam/*.h; do
        name=seam/$(basename "$header")
        printf '#include <%s>\nextern int alone;\n' "$name" >"$work/alone.c"
        for compiler in gcc clang; do
            try "$name alone as C11 with $compiler" $compiler -x c -std=c11 -pedantic-errors $strict \
                -I"$include" "$work/alone.c"
            try "$name alone as C17 with $compiler" $compiler -x c -std=c17 -pedantic-errors $strict \
                -I"$include" "$work/alone.c"
        done
        for compiler in g++ clang++; do
            try "$name alone as C++20 with $compiler" $compiler -x c++ -std=c++20 -pedantic-errors \
                $strict -I"$include" "$work/alone.c"
        done
    done
}

loads_libc_alone() {
    ldd "$work/trivial.test"
    ! ldd "$work/trivial.test" | grep -vE 'linux-vdso|libc\.so|ld-linux'
}

trivial_program() {
    mkdir "$work/trivial"
    printf '#include <seam/seam.h>\nSEAM_TEST(one) { seam_check(t, true); }\n' \
        >"$work/trivial/one_test.c"
    try 'a trivial test builds' "${SEAM:-$root/build/seam}" test -c -o "$work/trivial.test" \
        "$work/trivial"
    try 'a trivial test loads libc and nothing else' loads_libc_alone
}

make_rows
specimens
headers
values
trivial_program
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
