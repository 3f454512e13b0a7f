#!/bin/sh
# session.sh - programs that are started one by one, all at once and in folders of their own, have one
# server and one limit on tests at once when SEAM_SESSION says that they belong together.
# alone: with its own /dev/shm
# needs: command -v postgres || ls /usr/lib/postgresql/*/bin/postgres
set -u
# shellcheck source=tests/e2e/common.sh
. "$E2E_TOOLS/common.sh"

# Of runs, in memory: those that go on, and those whose servers wait.
# shellcheck disable=SC2317 # for await
has_folders() {
    [ "$(find /dev/shm -maxdepth 1 -name 'seam-*' | wc -l)" = "$1" ]
}

# Three programs; each test waits until all of them have a database.
mkdir one two three crowd pair
cat >one/meet_test.c <<'END_OF_FILE'
#include <seam/postgres.h>
#include <seam/seam.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool all_are_here(void *arg)
{
    (void)arg;
    return getenv("ALONE") || (access("../one/server", F_OK) == 0 &&
                               access("../two/server", F_OK) == 0 &&
                               access("../three/server", F_OK) == 0);
}

SEAM_TEST(meets_the_others)
{
    seam_postgres *pg = seam_postgres_start(t);
    const char *since = seam_postgres_value(pg, "SELECT pg_postmaster_start_time()");

    seam_write_file(t, "server", since, strlen(since));
    seam_require_eventually(t, 20000, all_are_here, NULL);
}
END_OF_FILE
cp one/meet_test.c two/
cp one/meet_test.c three/
busy_package crowd
cat >pair/pair_test.c <<'END_OF_FILE'
#include <seam/seam.h>

#include <stdlib.h>
#include <unistd.h>

static bool both_are_here(void *arg)
{
    (void)arg;
    return access("pair_1", F_OK) == 0 && access("pair_2", F_OK) == 0 && !getenv("STAY");
}

static void meet(seam_t *t)
{
    seam_write_file(t, seam_name(t), "", 0);
    seam_require_eventually(t, 10000, both_are_here, NULL);
}

SEAM_TEST(pair_1)
{
    meet(t);
}

SEAM_TEST(pair_2)
{
    meet(t);
}
END_OF_FILE
for name in one two three crowd pair; do
    seam test -c -o $name/program ./$name || exit 1
done

# ---- one server

export SEAM_SESSION="$E2E_CASE"
pids=
for name in one two three; do
    (cd $name && exec ./program) >$name/out 2>&1 &
    pids="$pids $!"
done
for pid in $pids; do
    wait "$pid" || stop 'a program has failed'
done
same 'servers that were started for three programs' 1 "$(cat ./*/out | grep -c 'started in')"
same 'servers that they had' 1 "$(sort -u one/server two/server three/server | wc -l)"
same 'servers that are listed' 1 "$(seam services ls | wc -l)"
since=$(cat one/server)

# It waits for the next program, however that is started.
(cd two && exec seam run ./program) >two/out 2>&1 || stop 'seam run has failed'
same 'the server of a later program' "$since" "$(cat two/server)"
seam test ./three >three/out 2>&1 || stop 'seam test has failed'
same 'the server of a later package' "$since" "$(cat three/server)"

# Not for those that do not belong to it.
(cd two && ALONE=1 SEAM_SESSION="$E2E_CASE.other" exec ./program) >two/out 2>&1 || stop 'another session has failed'
[ "$(cat two/server)" != "$since" ] || stop 'another session has the same server'
(cd two && ALONE=1 SEAM_SESSION='' exec ./program) >two/out 2>&1 || stop 'no session has failed'
[ "$(cat two/server)" != "$since" ] || stop 'a run of no session has its server'
await 'the run without a session to end' has_folders 2
same 'runs with servers that wait' 2 "$(seam services down | wc -l)"

# ---- one limit: each may run one test, and one token more is there for all

export SEAM_SESSION="$E2E_CASE.busy"
pids=
for name in one two; do
    (cd crowd && exec seam run -parallel 2 ./program) >$name/out 2>&1 &
    pids="$pids $!"
done
for pid in $pids; do
    wait "$pid" || stop 'a busy program has failed'
done
same 'tests that ran' 16 "$(tr -cd + <busy | wc -c)"
most=$(most_busy)
[ "$most" -le 3 ] || stop "$most tests at once"

# ---- a run that is killed has put no token back: the next one finds a whole pool all the same

export SEAM_SESSION="$E2E_CASE.pair"
(cd one && ALONE=1 exec ./program -parallel 2) >one/out 2>&1 || stop 'the first of the session has failed'
(cd pair && STAY=1 exec seam run -parallel 2 ./program) >two/out 2>&1 &
runner=$!
await 'the first of a pair' [ -e pair/pair_1 ]
await 'the second of a pair' [ -e pair/pair_2 ]
kill -KILL $runner
wait $runner 2>/dev/null
await 'the folder of the killed run to go' has_folders 1
rm pair/pair_?
(cd pair && exec seam run -parallel 2 ./program) >two/out 2>&1 || stop 'two tests cannot run at once any more'
seam services down >/dev/null
exit 0
