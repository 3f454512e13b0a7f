#!/bin/sh
# kill.sh - kill -9 of the runner, of the keeper and of an agent at different moments of a run that
# leaves children, daemons and leases behind: two seconds later nothing of the run is left.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
wrong=0

cat >busy_test.c <<'END'
#include <seam/seam.h>

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

static void stay(void)
{
    for (;;)
        pause();
}

/* Half the tests leave a child behind, half a daemon; all take a while. */
SEAM_SUBTEST(leave_things)
{
    const int *daemon = arg;

    if (fork() == 0) {
        if (!*daemon)
            stay();
        setsid();
        if (fork() == 0)
            stay();
        _exit(0);
    }
    seam_check(t, seam_tempdir(t) != NULL);
    poll(NULL, 0, 60);
}

#define BUSY(n)                                        \
    SEAM_TEST(busy_##n)                                \
    {                                                  \
        static const int daemon = n % 2;               \
        seam_run(t, "leaves", leave_things, &daemon); \
    }
BUSY(0) BUSY(1) BUSY(2) BUSY(3) BUSY(4) BUSY(5) BUSY(6) BUSY(7) BUSY(8) BUSY(9)
BUSY(10) BUSY(11) BUSY(12) BUSY(13) BUSY(14) BUSY(15) BUSY(16) BUSY(17) BUSY(18) BUSY(19)
END
if command -v postgres >/dev/null || [ -d /usr/lib/postgresql ]; then
    cat >lease_test.c <<'END'
#include <seam/postgres.h>

#include <poll.h>

#define LEASE(n)                                                  \
    SEAM_TEST(lease_##n)                                          \
    {                                                             \
        seam_postgres *pg = seam_postgres_start(t);               \
        seam_postgres_exec(pg, "CREATE TABLE mine (id int)");     \
        poll(NULL, 0, 60);                                        \
    }
LEASE(1) LEASE(2) LEASE(3) LEASE(4) LEASE(5) LEASE(6)
END
fi

# The build and the data directory of PostgreSQL are made here, not in the runs that are killed.
seam test . >out 2>&1 || { cat out; exit 1; }
${CC:-cc} -std=c11 -D_GNU_SOURCE -O1 "$here/kill.c" -o ../kill || exit 1

for role in runner keeper agent; do
    kills=0
    for delay in 0 3 20 60 110 170 260 400; do
        ../kill $role $delay seam test -v -parallel 4 . >out 2>&1
        status=$?
        [ $status -eq 3 ] && continue # it ended before it could be killed
        kills=$((kills + 1))
        [ $status -eq 0 ] && [ $role = runner ] && continue
        if [ $status -ne 0 ]; then
            echo "$role killed after $delay ms:"
        elif ! grep -qE "$role|ended before it listed" out; then
            echo "$role killed after $delay ms: the report does not say so:"
        elif ! grep -qE '^(ok|FAIL)' out; then
            echo "$role killed after $delay ms: the run did not go on:"
        else
            continue
        fi
        tail -n 25 out
        wrong=1
    done
    [ $kills -ge 4 ] || { echo "$role: only $kills kills"; wrong=1; }
done
exit $wrong
