#!/bin/sh
# containers-many.sh - 20 containers that parallel tests ask for at once all come, the report does not wait until they
# are removed, and 5 seconds after it none is left.
# alone: with its own /dev/shm
# needs: docker image inspect seam-test/busybox
set -u
# shellcheck source=tests/e2e/common.sh
. "$E2E_TOOLS/common.sh"
rounds=${E2E_ROUNDS:-1} limit_ms=${E2E_LIMIT_MS:-20000} # beside other cases the daemon has more to do
mine=e2e=$$

cat >many_test.c <<END_OF_FILE
#include <seam/seam.h>
#include <seam/service.h>

/* Each has a server of its own, which answers. */
static void have_one(seam_t *t)
{
    seam_container *web = seam_container_start(t, .image = "seam-test/busybox", .labels = { "$mine" },
        .private_server = true, .ports = { 80 }, .cmd = { "httpd", "-f", "-h", "/etc" },
        .wait = { .http = "/hostname", .port = 80 });

    seam_check_eq(t, seam_container_exec(web, .argv = { "true" })->status, 0);
}

#define ONE(n) SEAM_TEST(many_##n) { have_one(t); }
ONE(1) ONE(2) ONE(3) ONE(4) ONE(5) ONE(6) ONE(7) ONE(8) ONE(9) ONE(10)
ONE(11) ONE(12) ONE(13) ONE(14) ONE(15) ONE(16) ONE(17) ONE(18) ONE(19) ONE(20)
END_OF_FILE
seam test -c -o program . || exit 1

# shellcheck disable=SC2317 # for await
none_left() {
    [ -z "$(docker ps -aq --filter "label=$mine")" ]
}

for round in $(seq "$rounds"); do
    seam run -v -parallel 20 ./program >out 2>&1 || stop "round $round of $rounds"
    from=$(date +%s%N)
    same 'tests that passed' 20 "$(grep -c '^--- PASS' out)"
    await 'the containers to go' none_left
    took=$((($(date +%s%N) - from) / 1000000))
    [ $took -le "$limit_ms" ] || stop "the containers were there for $took ms"
    [ -z "${E2E_SAY-}" ] || echo "many: $took ms" >>"$E2E_SAY"
done
exit 0
