#!/bin/sh
# run.sh [TESTS] - judge Seam without Seam: run packages of known verdicts, 200 tests of each kind,
# and compare verdicts, output, events, exit codes and what is left behind with what is known.
# $SEAM names the program (default: build/seam). The last line is "N passed, N failed".
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
tests=${1:-200}
seam=$(realpath "${SEAM:-$root/build/seam}")
work=$(mktemp -d "${TMPDIR:-/tmp}/oracle.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
passed=0 failed=0

# Everything that the runs start inherits these: what is left over is found by them.
export SEAM_ORACLE="$work" TMPDIR="$work/tmp" SEAM_CACHE="$work/cache"
mkdir "$TMPDIR"

check() { # check WHAT WANT GOT
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'oracle: %s: %s, want %s\n' "$1" "$3" "$2"
    fi
}

# Add the "N passed, N failed" that a part of the judgement ended with; none counts as a failure.
add_score() {
    score=$(sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$1")
    score=${score:-0 1}
    sed '$d' "$1"
    passed=$((passed + ${score%% *}))
    failed=$((failed + ${score##* }))
}

verdicts() { # the kinds whose verdict is one of those given
    awk -F '\t' -v wanted=" $* " 'index(wanted, " " $2 " ") { print $1 }' "$work/src/kinds"
}

build_counter() {
    # shellcheck disable=SC2046
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -O1 "$here/count.c" -o "$work/count" \
        $(pkg-config --cflags --libs jansson)
}

# A judge that nobody has seen to fail is none.
judge_the_judge() {
    "$here/count_check.sh" "$work/count" >"$work/score"
    add_score "$work/score"
}

run_everything() {
    (cd "$work/src" && "$seam" test -json -parallel 8 -events "$work/events" ./... \
        >"$work/json" 2>"$work/errors")
    check 'exit code of the run' 1 $?
    "$work/count" "$tests" "$work/src/kinds" <"$work/json" >"$work/score"
    add_score "$work/score"
}

# The log of events holds all that a report is made of: replayed it gives the same one.
replay_it() {
    "$seam" replay -json "$work/events" >"$work/json2"
    check 'exit code of replay -json' 1 $?
    check 'replay -json beside -json' same "$(cmp "$work/json" "$work/json2" 2>&1 && echo same)"
    "$seam" replay "$work/events" >"$work/text"
    check 'exit code of replay' 1 $?
}

# The text shows each test that failed or has a warning, no other, and one line a package.
count_text() {
    while read -r kind verdict shown; do
        failures=0 others=0 line='ok  '
        [ "$verdict" = fail ] && failures=$tests line=FAIL
        [ -n "$shown" ] && others=$tests
        check "failures of $kind in text" "$failures" \
            "$(grep -a -c "^--- FAIL: ${kind}_[0-9]* (" "$work/text")"
        check "passes and skips of $kind in text" "$others" \
            "$(grep -a -c "^--- [PS].*: ${kind}_[0-9]* (" "$work/text")"
        check "package line of $kind" 1 "$(grep -a -c "^$line	$kind	" "$work/text")"
    done <<END
$(awk -F '\t' '{ print $1, $2, $6 }' "$work/src/kinds")
END
}

# Exit codes one kind at a time: the third test of it alone.
ask_exit_codes() {
    for kind in $(verdicts pass skip fail); do
        want=0
        [ "$(verdicts fail | grep -cx "$kind")" = 1 ] && want=1
        (cd "$work/src" && "$seam" test -run '_003$' "./$kind" >/dev/null 2>&1)
        check "exit code of $kind" $want $?
    done
}

# Processes that inherited our mark; this shell's own children are not counted.
marked() {
    for environ in /proc/[0-9]*/environ; do
        grep -qazFx "SEAM_ORACLE=$work" "$environ" 2>/dev/null || continue
        pid=${environ#/proc/} pid=${pid%/environ}
        tr '\0' '\n' <"$environ" 2>/dev/null | grep -q '^SEAM_TEST_ID=' && echo "$pid"
    done
}

look_for_leftovers() {
    check 'processes left' '' "$(marked)"
    check 'folders left' '' "$(ls "$TMPDIR")"
}

build_counter || exit 1
judge_the_judge
"$here/generate.sh" "$tests" "$work/src"
run_everything
replay_it
count_text
ask_exit_codes
look_for_leftovers
[ -s "$work/errors" ] && sed 's/^/oracle: stderr: /;20q' "$work/errors"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
