# tools/steps.sh - runs the steps of tools/check and tools/nightly and counts what they ran.
#
# The including script defines a function step_NAME for each step and calls steps_main with the
# names and its own arguments. A step ends like a test: 0 passed, 77 skipped, else failed. What
# it counted is read from its output: the last `N passed, N failed`, else the result lines of
# `seam test -v`; a step that counts nothing is one test. A failed step has at least one failure.
# shellcheck shell=sh

steps_logs=build/check # each step's whole output
steps_limit_s=${SEAM_STEP_SECONDS:-600}

# Print "PASSED FAILED SKIPPED" of the log $1 of a step that ended with status $2.
steps_count() {
    awk -v status="$2" '
        /^([A-Za-z]+: )?[0-9]+ passed, [0-9]+ failed/ {
            line = $0
            sub(/^[A-Za-z]+: /, "", line)
            gsub(/,/, "", line)
            n = split(line, word, " ")
            passed = word[1]; failed = word[3]; skipped = n >= 6 ? word[5] : 0
            counted = 1
        }
        /^--- PASS: / { seam_passed++ }
        /^--- FAIL: / { seam_failed++ }
        /^--- SKIP: / { seam_skipped++ }
        /^FAIL\t.* \[(build|setup) failed\]/ { seam_failed++ }
        END {
            if (status == 77)
                passed = failed = 0
            else if (!counted && seam_passed + seam_failed + seam_skipped > 0) {
                passed = seam_passed; failed = seam_failed; skipped = seam_skipped
            } else if (!counted)
                passed = status == 0
            if (status == 77)
                skipped = 1
            else if (status != 0 && failed == 0)
                failed = 1
            else if (passed + failed == 0)
                failed = 1 # it ran nothing
            print passed + 0, failed + 0, skipped + 0
        }' "$1"
}

# Print what failed in the log $1, the names first, and its end.
steps_show() {
    if grep -q '^ *--- FAIL: ' "$1" && ! grep -q '^failed: ' "$1"; then
        echo "failed in $1:" && grep '^ *--- FAIL: ' "$1" | head -n 20
        grep -B 12 '^--- FAIL: ' "$1" | head -n 60 | sed 's/^/| /'
    fi
    # Of tests/e2e: what failed is among what passed and what was skipped.
    awk '/^(passed|failed|skipped): /{ on = /^failed/ } /^[0-9]+ passed/ { on = 0 } on' "$1" | head -n 60 | sed 's/^/| /'
    echo "the end of $1:" && tail -n 20 "$1" | sed 's/^/| /'
}

# Run step $1 in a process group of its own, within its time, and report it on one line.
steps_run() {
    log=$steps_logs/$1.log
    from=$(date +%s%N)
    timeout -k 10 "$steps_limit_s" "tools/${0##*/}" --step "$1" >"$log" 2>&1 </dev/null &
    steps_pid=$!
    status=0
    wait "$steps_pid" || status=$?
    steps_pid=
    tenths=$((($(date +%s%N) - from) / 100000000))
    [ "$status" -ne 124 ] || echo "the step took longer than $steps_limit_s s" >>"$log"
    # shellcheck disable=SC2046  # three numbers
    set -- "$1" $(steps_count "$log" "$status")
    word=ok
    [ "$3" -eq 0 ] || word=FAIL
    [ "$status" -ne 77 ] || word=SKIP
    printf '%-5s %-10s %5d.%d s  %s passed, %s failed, %s skipped\n' \
        "$word" "$1" $((tenths / 10)) $((tenths % 10)) "$2" "$3" "$4"
    case $word in
    FAIL) steps_show "$log" | sed 's/^/      /' ;;
    SKIP) tail -n 1 "$log" | sed 's/^/      /' ;;
    esac
    steps_passed=$((steps_passed + $2))
    steps_failed=$((steps_failed + $3))
    steps_skipped=$((steps_skipped + $4))
}

steps_stop() {
    [ -z "$steps_pid" ] || kill "$steps_pid" 2>/dev/null || true
    exit 130
}

# steps_main "NAMES" [STEP...]: run the steps named, else all; `--step NAME` runs one bare.
steps_main() {
    names=$1
    shift
    if [ "${1-}" = --step ]; then
        "step_$2"
        return
    fi
    # shellcheck disable=SC2086  # a list of words
    [ $# -gt 0 ] || set -- $names
    for step; do
        case " $names " in *" $step "*) continue ;; esac
        echo "$0: no step '$step'; there are: $names" >&2
        exit 2
    done
    mkdir -p "$steps_logs"
    steps_passed=0 steps_failed=0 steps_skipped=0 steps_pid=
    trap steps_stop INT TERM HUP
    for step; do
        steps_run "$step"
        if [ "$step" = build ] && [ "$steps_failed" -gt 0 ]; then
            echo "nothing was built, so the other steps were not run"
            break
        fi
    done
    total="$steps_passed passed, $steps_failed failed"
    [ "$steps_skipped" -eq 0 ] || total="$total, $steps_skipped skipped"
    echo "$total"
    [ "$steps_failed" -eq 0 ]
}
