#!/bin/sh
# runner/stacks/stacks_check.sh - check `stacks` on programs that really crash and hang.
#
#   stacks_check.sh STACKS [KIND...]     kinds: gcc-O0 gcc-O2 clang-O0 clang-O2 asan static
#
# Does not use Seam. The last line is "N passed, N failed"; exits 1 when one failed.

# shellcheck disable=SC2086 # lists of words are kept in variables: $facts, $parse
set -u
stacks=$(realpath -- "$1") || exit 2
shift
here=$(cd "$(dirname -- "$0")" && pwd)
source=$here/fixtures/package/victim.c
folder=$(mktemp -d) || exit 2
victim=
passed=0 failed=0

stop_victim() {
    [ -z "$victim" ] || { kill -KILL "$victim"; wait "$victim"; } 2>/dev/null
    victim=
}
trap 'stop_victim; rm -rf "$folder"' EXIT
trap 'exit 2' INT TERM

# check NAME GOT WANT
check() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
    printf '%s\n    got:  %s\n    want: %s\n' "$1" "$2" "$3"
}

build() {
    case $1 in
    gcc-O0) set -- gcc -O0 ;;
    gcc-O2) set -- gcc -O2 ;;
    clang-O0) set -- clang -O0 ;;
    clang-O2) set -- clang -O2 ;;
    asan) set -- gcc -O1 -fsanitize=address ;;
    static) set -- gcc -O0 -static ;;
    *) echo "stacks_check.sh: unknown kind '$1'" >&2; exit 2 ;;
    esac
    "$@" -w -g -std=c11 -D_GNU_SOURCE -pthread -o "$folder/victim" \
        "$source" "$here/fixtures/src/test/core.c"
}

# Start a test of the victim and wait until it has crashed or hangs. $facts: what it says then.
start() {
    stop_victim
    rm -f "$folder/says"
    mkfifo "$folder/says"
    cd "$here/fixtures/package" || exit 2
    # exec: without it the shell in between would be the one that is killed.
    ( exec env ASAN_OPTIONS=allow_user_segv_handler=1 "$folder/victim" "$1" \
        >"$folder/says" 2>/dev/null ) &
    victim=$!
    facts=$(timeout 20 head -n 1 <"$folder/says")
    [ "$facts" != ready ] || facts=
}

# Run stacks on the victim, with the given command in front; its output goes to $folder/out.
look() {
    "$@" "$stacks" "$victim" $facts >"$folder/out" 2>&1
    code=$?
}

# The frames of the thread with that number (1 is the first that is printed), innermost first.
thread() {
    awk -F '\t' -v want="$1" '
        $1 == "thread" { number++ }
        $1 == "frame" && number == want {
            printf "%s%s", sep, $2
            if ($3 != "-") printf "(%s:%d)", $3, $4
            sep = " "
        }' "$folder/out"
}

notes() { sed -n 's/^note\t//p' "$folder/out"; }

# "name@mark" becomes "name(victim.c:LINE)", the line being that of /* line: mark */.
at() {
    for word; do
        case $word in
        *@*) printf '%s%s(victim.c:%d)' "${sep-}" "${word%@*}" \
            "$(grep -n "/\* line: ${word#*@} \*/" "$source" | cut -d: -f1)" ;;
        *) printf '%s%s' "${sep-}" "$word" ;;
        esac
        sep=' '
    done
    unset sep
}

# crash TEST FRAME...: what the crashed thread, which comes first, must look like.
crash() {
    test=$1
    shift
    start "$test"
    look
    check "$kind $test: exit" "$code" 0
    check "$kind $test: stack" "$(thread 1)" "$(at "$@")"
    check "$kind $test: last line" "$(tail -n 1 "$folder/out")" end
}

parse='header_value@header_value parse_headers@parse_headers'

common_crashes() {
    crash parses_any_header $parse parses_any_header@parses_any_header
    crash inlined first_byte@first_byte token@token inlined@inlined
    crash second_thread $parse worker@worker
    check "$kind second_thread: main" "$(thread 2)" \
        "$(at pthread_join second_thread@second_thread)"
    crash aborts give_up@give_up aborts@aborts
    crash asserts __assert_fail asserts@asserts
    crash calls_null no code at 0x0 call_back@call_back calls_null@calls_null
    crash calls_nowhere no code at 0x7fff00000000 call_back@call_back \
        calls_nowhere@calls_nowhere
    crash loses_its_stack smash@smash
    check "$kind loses_its_stack: note" "$(notes)" 'the stack is damaged here: no code at 0x10'
}

dynamic_crashes() {
    crash measures_null strlen measures_null@measures_null
    crash sorts $parse compare@compare qsort sorts@sorts
    crash crashes_in_a_handler $parse on_signal@on_signal raise \
        crashes_in_a_handler@crashes_in_a_handler
}

overflow() {
    start overflows
    look
    check "$kind overflows: head" "$(thread 1 | cut -d'(' -f1)" dig
    check "$kind overflows: tail" "$(thread 1 | awk '{ print $NF }')" \
        "$(at overflows@overflows)"
    check "$kind overflows: gap" "$(notes | sed 's/^[0-9]* //')" 'frames are left out here'
}

hang() {
    start hangs
    look
    check "$kind hangs: exit" "$code" 0
    check "$kind hangs: main" "$(thread 1)" "$(at pthread_join hangs@hangs)"
    check "$kind hangs: 2" "$(thread 2)" \
        "$(at pthread_cond_wait wait_for_condition@wait_for_condition)"
    check "$kind hangs: 3" "$(thread 3)" "$(at pthread_mutex_lock wait_for_lock@wait_for_lock)"
    check "$kind hangs: 4" "$(thread 4)" "$(at read wait_for_bytes@wait_for_bytes)"
    check "$kind hangs: 5" "$(thread 5 | sed 's/clock_nanosleep //')" \
        "$(at nanosleep wait_for_time@wait_for_time)"
    check "$kind hangs: name" "$(grep -c '	tab here$' "$folder/out")" 1
}

state() { sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$victim/status"; }

# The process must not notice that it was looked at.
left_as_it_was() {
    start hangs
    look
    check 'left: not traced' "$(sed -n 's/^TracerPid:[[:space:]]*//p' "/proc/$victim/status")" 0
    kill -STOP "$victim"
    look
    check 'left: stack while stopped' "$(thread 1)" "$(at pthread_join hangs@hangs)"
    check 'left: still stopped' "$(state)" T
}

refused() {
    start is_debugged
    look
    check 'refused: stack' "$(thread 1)" "$(at $parse is_debugged@is_debugged)"
    check 'refused: note' "$(notes | sed 's/[0-9][0-9]*/N/')" \
        'ptrace was refused (process N traces it already): addresses of the crashed thread only'
    [ "$(id -u)" = 0 ] || { echo 'not root: other users are not tried'; return; }
    start parses_any_header
    chmod 755 "$folder"
    cp "$stacks" "$folder/stacks"
    own=$stacks stacks=$folder/stacks
    look setpriv --reuid 65534 --regid 65534 --clear-groups
    stacks=$own
    check 'other user: exit' "$code" 0
    check 'other user: note' "$(notes | head -n 1)" \
        'ptrace was refused (Operation not permitted): addresses of the crashed thread only'
    check 'other user: first frame' "$(thread 1 | cut -d' ' -f1)" \
        "$(echo "$facts" | sed 's/.*--pc=\([^ ]*\).*/\1/')"
}

ended() {
    start hangs
    gone=$victim
    stop_victim
    victim=$gone
    look
    victim=
    check 'ended: exit' "$code" 1
    check 'ended: note' "$(notes)" 'the process ended before its stack could be read'
}

# Processes die while they are looked at: whatever is said, it is said to the end.
dies_meanwhile() {
    for round in 1 2 3 4 5 6 7 8 9 10; do
        start hangs
        "$stacks" "$victim" >"$folder/out" &
        reader=$!
        kill -KILL "$victim"
        wait "$reader"
        code=$?
        check "dies meanwhile: exit of round $round" "$((code == 0 || code == 1))" 1
        check "dies meanwhile: last line of round $round" "$(tail -n 1 "$folder/out")" end
    done
}

cannot_stop() {
    start waits_for_vfork
    look
    check 'vfork: exit' "$code" 1
    check 'vfork: note' "$(notes)" 'the stacks cannot be read: no thread could be stopped'
}

crowd() {
    start waits_in_a_crowd
    look
    check 'crowd: threads' "$(grep -c '^thread' "$folder/out")" 64
    check 'crowd: note' "$(notes)" '17 more threads are left out'
}

built_anew() {
    start parses_any_header
    mv "$folder/victim" "$folder/newer"
    cp "$folder/newer" "$folder/victim"
    rm "$folder/newer"
    look
    check 'built anew: stack' "$(thread 1)" "$(at $parse parses_any_header@parses_any_header)"
}

separate_symbols() {
    stop_victim
    objcopy --only-keep-debug "$folder/victim" "$folder/victim.debug"
    objcopy --strip-all --add-gnu-debuglink="$folder/victim.debug" "$folder/victim"
    start parses_any_header
    look
    check 'separate: stack' "$(thread 1)" "$(at $parse parses_any_header@parses_any_header)"
    rm "$folder/victim.debug"
}

without_symbols() {
    stop_victim
    strip "$folder/victim"
    start parses_any_header
    look
    check 'stripped: frames' "$(thread 1 | sed 's/0x[0-9a-f]*/X/g')" \
        'victim+X victim+X victim+X victim+X'
}

wrong_usage() {
    "$stacks" >/dev/null 2>&1
    check 'usage: nothing' "$?" 2
    "$stacks" 12x >/dev/null 2>&1
    check 'usage: no number' "$?" 2
    "$stacks" --raw=1,,2 1 >/dev/null 2>&1
    check 'usage: bad address' "$?" 2
}

[ $# -gt 0 ] || set -- gcc-O0 gcc-O2 clang-O0 clang-O2 asan static
for kind; do
    command -v "${kind%%-*}" >/dev/null || case $kind in
    clang*) echo "$kind: no clang here"; continue ;;
    esac
    build "$kind" || exit 2
    common_crashes
    [ "$kind" = static ] || dynamic_crashes
    overflow
    hang
done
build gcc-O0 || exit 2
left_as_it_was
refused
ended
dies_meanwhile
cannot_stop
crowd
built_anew
separate_symbols
without_symbols
wrong_usage
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
