#!/bin/sh
# containers-kept.sh - under -reuse a container waits for the next run, which finds it by the same request; a changed
# file makes it another one; it goes when its time is over or when it is told to.
# alone: with its own /dev/shm
# needs: docker image inspect seam-test/busybox
set -u
# shellcheck source=tests/e2e/common.sh
. "$E2E_TOOLS/common.sh"
mine=e2e=$$

cat >reuse_test.c <<END_OF_FILE
#include <seam/seam.h>
#include <seam/service.h>

SEAM_TEST(has_a_server)
{
    seam_container *server = seam_container_start(t, .image = "seam-test/busybox", .labels = { "$mine" },
        .cmd = { "sleep", "1000" }, .files = { { .path = "/conf", .from = "conf" } });

    seam_log(t, "it is %.12s", seam_container_id(server));
}
END_OF_FILE
echo one >conf
seam test -c -o program . || exit 1

# run TIME - the id of the container that the test has.
run() {
    seam run -v -reuse "$1" ./program >out 2>&1 || stop 'the test has failed'
    sed -n 's/.*it is //p' out
}

count() {
    docker ps -aq --filter "label=$mine" | wc -l
}

# shellcheck disable=SC2317 # for await
none_left() {
    [ "$(count)" = 0 ]
}

first=$(run 60s)
same 'the container of the second run' "$first" "$(run 60s)"
same 'containers that wait' 1 "$(count)"
echo two >conf
other=$(run 60s)
[ "$other" != "$first" ] || stop 'a changed file is not noticed'
same 'containers that wait' 2 "$(count)"
seam services down >down.out
await 'the containers to go' none_left

run 1s >id
same 'a container that waits' 1 "$(count)"
await 'its time to be over' none_left
exit 0
