#!/bin/sh
# reuse-shared.sh - runs under -reuse share one server, one after another and at the same time; a run
# that is killed takes it from nobody, whether it had started the server or found it there.
# alone: with its own /dev/shm
# needs: command -v postgres || ls /usr/lib/postgresql/*/bin/postgres
set -u
# shellcheck source=tests/e2e/common.sh
. "$E2E_TOOLS/common.sh"

# Each test writes down since when its server runs, and asks it again when it may go.
mkdir a b
cat >a/hold_test.c <<'END_OF_FILE'
#include <seam/postgres.h>
#include <seam/seam.h>

#include <string.h>
#include <unistd.h>

static bool may_go(void *arg)
{
    return access(arg, F_OK) == 0;
}

SEAM_TEST(holds_a_database)
{
    seam_postgres *pg = seam_postgres_start(t);
    const char *since = seam_postgres_value(pg, "SELECT pg_postmaster_start_time()");

    seam_write_file(t, "server.new", since, strlen(since));
    seam_require_eq(t, rename("server.new", "server"), 0);
    seam_require_eventually(t, 20000, may_go, (void *)"go");
    seam_check_str(t, seam_postgres_value(pg, "SELECT pg_postmaster_start_time()"), since);
}
END_OF_FILE
cp a/hold_test.c b/
seam test -c -o a.program ./a && seam test -c -o b.program ./b || exit 1

# start a|b - in the background, until its test has a database; its pid is in `runner`.
start() {
    rm -f "$1/server" "$1/go"
    seam test -reuse 60s "./$1" >"$1.out" 2>&1 &
    runner=$!
    await "the database of $1" [ -e "$1/server" ]
}

# As `seam services` shows them: one server with so many leases.
# shellcheck disable=SC2317 # for await
has_leases() {
    [ "$(seam services ls | cut -f 6)" = "leases $1" ]
}

for victim in a b; do
    start a
    first=$runner since=$(cat a/server)
    start b
    same 'the server of the second run' "$since" "$(cat b/server)"
    await 'two leases of one server' has_leases 2

    if [ $victim = a ]; then dies=$first goes_on=$runner other=b; else dies=$runner goes_on=$first other=a; fi
    kill -KILL "$dies"
    wait "$dies" 2>/dev/null
    await "the lease of $victim, which was killed, to end" has_leases 1
    : >$other/go
    wait "$goes_on" || stop "$other has failed when $victim was killed"
    ! grep -q keeper $other.out || stop "$other has lost its keeper"

    start $victim
    same 'the server of the run after it' "$since" "$(cat $victim/server)"
    : >$victim/go
    wait "$runner" || stop "the run after it has failed"
    seam services down >down.out
    same 'runs that were ended' 1 "$(wc -l <down.out)"
done

# Who reads what a run was given besides its output does not wait until the server ends.
: >a/go
timeout 20 sh -c '{ seam test -reuse 60s ./a 3>&1 >a.out 2>&1; } | cat' ||
    stop 'the keeper holds a descriptor that it was not meant to have'
seam services down >down.out

# The time to live counts from the last run, however often somebody asks.
seam test -reuse 1s ./a >a.out 2>&1 || stop 'a short reuse fails'
await 'the server to end' sh -c 'seam services ls | grep -q "no services"'
exit 0
