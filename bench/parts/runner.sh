# shellcheck shell=bash disable=SC2154 # rounds, few_rounds, thousand and cores are bench/run's
# bench/parts/runner.sh - what the runner adds to a test: forks, subtests, waits, memory.

# compile_seam NAME: the package $WORK/NAME becomes the test program $WORK/NAME.bin.
compile_seam() {
    (cd "$WORK" && "$SEAM" test -c -o "$1.bin" "./$1")
}

# all_pass NAME COUNT: refuse to time a suite in which not every test ran.
all_pass() {
    local passed
    passed=$("$SEAM" run -v "$WORK/$1.bin" | grep -c '^--- PASS')
    [ "$passed" = "$2" ] && return
    echo "bench: $1: $passed of $2 tests passed" >&2
    return 1
}

# compile_go NAME: the same with Go.
compile_go() {
    if ! command -v go >/dev/null; then
        note 'go is not installed'
        return 1
    fi
    (cd "$WORK/$1" && go test -c -o "$WORK/$1.bin" .)
}

# compile_peer PACKAGE: $WORK/PACKAGE.c becomes $WORK/PACKAGE.bin.
compile_peer() {
    local flags
    if ! flags=$(pkg-config --cflags --libs "$1" 2>/dev/null); then
        note "$1 is not installed"
        return 1
    fi
    # shellcheck disable=SC2086 # several words are meant
    cc -O1 -o "$WORK/$1.bin" "$WORK/$1.c" $flags
}

# A test in a process of its own, beside what that must cost and beside Check.
forked_rows() {
    local programs=(
        forked.ours "$SEAM" run "$WORK/forked.bin"
        -- forked.loop "$TOOLS/forkloop" "$thousand" "$cores"
        -- forked.bare "$TOOLS/forkloop" -bare "$thousand" "$cores")

    write_seam "$WORK/forked" "$thousand" trivial
    compile_seam forked && all_pass forked "$thousand" || return
    write_check "$WORK/check.c" "$thousand"
    compile_peer check && programs+=(-- forked.check "$WORK/check.bin")
    sit "$rounds" "${programs[@]}"
    row runner/forked-1000 "$(median forked.ours)" limit 'isolating loop' "$(median forked.loop)"
    note "bare fork loop: $(cell "$(median forked.bare)" ms); $cores in flight, as ours"
    row runner/forked-1000-check "$(median forked.ours)" peer Check "$(median forked.check)" \
        limit 'isolating loop' "$(median forked.loop)"
}

# Criterion takes 7 s a run: a sitting of its own, of fewer rounds.
criterion_row() {
    local programs=(
        criterion.ours "$SEAM" run "$WORK/forked.bin"
        -- criterion.loop "$TOOLS/forkloop" "$thousand" "$cores")

    write_criterion "$WORK/criterion.c" "$thousand"
    compile_peer criterion &&
        programs+=(-- criterion.peer "$WORK/criterion.bin" -j "$cores" --quiet)
    sit "$few_rounds" "${programs[@]}"
    row runner/forked-1000-criterion "$(median criterion.ours)" \
        peer Criterion "$(median criterion.peer)" limit 'isolating loop' "$(median criterion.loop)"
}

# each_us LABEL COUNT: microseconds a test.
each_us() {
    compute 'a * 1000 / b' "$(median "$1")" "$2"
}

# Ten times the tests take ten times as long, and the runner no more memory.
large_rows() {
    local many=$((thousand * 10))

    write_seam "$WORK/large" "$many" trivial
    compile_seam large && all_pass large "$many" || return
    sit "$rounds" large.one "$SEAM" run "$WORK/forked.bin" \
        -- large.ten "$SEAM" run "$WORK/large.bin" \
        -- large.loop "$TOOLS/forkloop" "$many" "$cores"
    row runner/linear-10000 "$(each_us large.ten "$many")" \
        limit '1,000 tests' "$(each_us large.one "$thousand")"
    note "isolating loop, $many times: $(cell "$(each_us large.loop "$many")" us)"
    for _ in $(seq "$few_rounds"); do
        "$TOOLS/peak" "$SEAM" run "$WORK/forked.bin" >>"$FIGURES/peak.one"
        "$TOOLS/peak" "$SEAM" run "$WORK/large.bin" >>"$FIGURES/peak.ten"
    done
    row runner/memory-10000 "$(median peak.ten)" limit '1,000 tests' "$(median peak.one)"
}

# Without isolation, as Go's tests always run.
isolate_none_row() {
    local many=$((thousand * 10))
    local programs=(none.ours "$SEAM" run -isolate none "$WORK/large.bin")

    write_go "$WORK/go_large" "$many" trivial
    compile_go go_large && programs+=(-- none.go "$WORK/go_large.bin")
    sit "$rounds" "${programs[@]}"
    row runner/isolate-none-10000 "$(each_us none.ours "$many")" \
        peer 'go test -c' "$(each_us none.go "$many")"
}

# What a subtest adds to its test: the difference to a test without any.
subtest_row() {
    local count=$((thousand * 5))

    write_seam_subtests "$WORK/rows" "$count"
    write_seam_subtests "$WORK/no_rows" 0
    compile_seam rows && compile_seam no_rows || return
    sit "$((rounds * 2))" rows.with "$SEAM" run "$WORK/rows.bin" \
        -- rows.without "$SEAM" run "$WORK/no_rows.bin"
    row runner/subtest \
        "$(compute '(a - b) * 1000 / c' "$(median rows.with)" "$(median rows.without)" "$count")"
}

# wait_row AT_ONCE IDEAL_MS: 100 tests that each wait 20 ms.
wait_row() {
    local programs=("wait$1.ours" "$SEAM" run -parallel "$1" "$WORK/wait.bin")

    [ -x "$WORK/go_wait.bin" ] &&
        programs+=(-- "wait$1.go" "$WORK/go_wait.bin" -test.parallel "$1")
    sit "$rounds" "${programs[@]}"
    row "runner/wait-$1" "$(median "wait$1.ours")" peer 'go test -c' "$(median "wait$1.go")" \
        limit ideal "$2"
}

wait_rows() {
    write_seam "$WORK/wait" 100 wait
    compile_seam wait && all_pass wait 100 || return
    write_go "$WORK/go_wait" 100 wait
    compile_go go_wait
    wait_row 8 260
    wait_row 50 40
}

# A test program that is asked for its list loads, registers one test and ends.
exec_row() {
    mkdir -p "$WORK/single"
    printf '#include <seam/seam.h>\n\nSEAM_TEST(single) { seam_check(t, true); }\n' \
        >"$WORK/single/single_test.c"
    printf 'int main(void)\n{\n    return 0;\n}\n' >"$WORK/empty.c"
    compile_seam single && cc -O2 -o "$WORK/empty.bin" "$WORK/empty.c" || return
    sit "$((rounds * 20))" exec.ours "$WORK/single.bin" --seam-list \
        -- exec.empty "$WORK/empty.bin"
    row runner/exec "$(median exec.ours)" limit 'empty program' "$(median exec.empty)"
}

part_runner() {
    forked_rows
    criterion_row
    large_rows
    isolate_none_row
    subtest_row
    wait_rows
    exec_row
}
