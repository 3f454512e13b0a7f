#!/bin/sh
# jobserver.sh - GNU make's jobserver: runs that make starts side by side never have more tests at once
# than -j says, whether it gives its tokens by a pipe or by a fifo, and they use all that are free. Each
# byte that was taken comes back, also from a run that was interrupted; a run that was killed does not
# stop the others.
# needs: command -v make
set -u
# shellcheck source=tests/e2e/common.sh
. "$E2E_TOOLS/common.sh"
wrong=0

complain() {
    echo "$1"
    wrong=1
}

# The bytes that are in the pool, in order; leaves it empty.
tokens() {
    dd if=pool iflag=nonblock bs=1 2>/dev/null | fold -w 1 | sort | tr -d '\n'
}

# with_pool AUTH BYTES COMMAND WORD... - as if make had started it.
with_pool() {
    auth=$1
    printf '%s' "$2" >&8
    shift 2
    MAKEFLAGS=" -j4 --jobserver-auth=$auth" "$@" >out 2>&1
}

mkdir a b meet stay
busy_package a
busy_package b
cat >meet/meet_test.c <<'END_OF_FILE'
#include <seam/seam.h>

#include <unistd.h>

static bool all_are_here(void *arg)
{
    (void)arg;
    return access("here_1", F_OK) == 0 && access("here_2", F_OK) == 0 &&
           access("here_3", F_OK) == 0 && access("here_4", F_OK) == 0;
}

static void meet(seam_t *t)
{
    seam_write_file(t, seam_name(t), "", 0);
    seam_require_eventually(t, 10000, all_are_here, NULL);
}

#define MEET(n)         \
    SEAM_TEST(here_##n) \
    {                   \
        meet(t);        \
    }
MEET(1) MEET(2) MEET(3) MEET(4)
END_OF_FILE
cat >stay/stay_test.c <<'END_OF_FILE'
#include <seam/seam.h>

#include <signal.h>
#include <unistd.h>

static void stay(seam_t *t)
{
    signal(SIGTERM, SIG_IGN);
    seam_write_file(t, seam_name(t), "", 0);
    for (;;)
        pause();
}

#define STAY(n)         \
    SEAM_TEST(stay_##n) \
    {                   \
        stay(t);        \
    }
STAY(1) STAY(2) STAY(3) STAY(4)
END_OF_FILE
cat >Makefile <<'END_OF_FILE'
all: a b
a b meet stay:
	+exec seam test -count 1 -parallel 8 ./$@
hidden:
	seam test -count 1 -parallel 4 ./a 3<Makefile 4>other
.PHONY: all a b meet stay hidden
END_OF_FILE
seam test -c -o a.out ./a && seam test -c -o b.out ./b && seam test -c -o meet.out ./meet &&
    seam test -c -o stay.out ./stay || exit 1

# ---- make itself, which gives a pipe; it complains when a byte is missing at its end

make -s -j2 all >out 2>&1 || complain "make -j2: $(cat out)"
same 'tests at once under make -j2' 2 "$(most_busy)"
grep -i 'jobserver' out && wrong=1
make -s -j4 meet >out 2>&1 || complain "four tests under make -j4 do not meet: $(cat out)"
grep -i 'jobserver' out && wrong=1

# Without "+" make closes the pipe and names it still: what has those numbers then is not make's.
make -s -j2 hidden >out 2>&1 || complain "make without +: $(cat out)"
same 'bytes written to what is not a pool' 0 "$(wc -c <other)"
rm -f busy

# ---- a pool of our own, in both forms: which bytes come back can be seen

mkfifo pool
exec 8<>pool
for auth in "fifo:$PWD/pool" 8,8; do
    with_pool "$auth" x seam test -count 1 -parallel 8 ./a || complain "$auth: $(cat out)"
    same "$auth: tests at once with one token" 2 "$(most_busy)"
    same "$auth: tokens that are back" x "$(tokens)"
    rm -f meet/here_?
    with_pool "$auth" xyz seam test -count 1 -parallel 8 ./meet || complain "$auth: $(cat out)"
    same "$auth: tokens that are back after three" xyz "$(tokens)"
done
with_pool "91,92 --jobserver-auth=fifo:$PWD/pool" x seam test -count 1 -parallel 8 ./a
same 'tests at once with a pool that is named last' 2 "$(most_busy)"
tokens >/dev/null

# ---- interrupted once and twice, and killed

# Start a run with three tokens whose four tests stay; its pid is in `runner` when all of them run.
start_staying() {
    rm -f stay/stay_?
    printf xyz >&8
    MAKEFLAGS=" -j4 --jobserver-auth=fifo:$PWD/pool" \
        env --default-signal=INT seam test -count 1 -parallel 8 ./stay >out 2>&1 &
    runner=$!
    for n in 1 2 3 4; do
        await "test $n to stay" [ -e stay/stay_$n ]
    done
}

for times in 1 2; do
    start_staying
    kill -INT $runner
    [ $times = 1 ] || { await 'the first interrupt' grep -q 'once more' out && kill -INT $runner; }
    wait $runner
    same "tokens that are back after $times interrupts" xyz "$(tokens)"
done

# What a killed run had is lost, as make knows it; the others go on, one test at a time at least.
start_staying
kill -KILL $runner
wait $runner 2>/dev/null
with_pool "fifo:$PWD/pool" '' seam test -count 1 -parallel 8 ./a || complain "beside a killed run: $(cat out)"
same 'tests at once without a token' 1 "$(most_busy)"
exit $wrong
