#!/bin/sh
# daemon-dies.sh - a Docker daemon that is killed, restarted or hangs in the middle fails the tests that use it, each
# with a reason; the others pass, and the run ends in time. After a restart tests get new containers.
# alone: with its own /dev/shm
# needs: docker image inspect seam-test/busybox && command -v dockerd && [ "$(id -u)" = 0 ]
set -u
# shellcheck source=tests/e2e/common.sh
. "$E2E_TOOLS/common.sh"
# shellcheck source=tools/private-docker.sh
. "$E2E_TOOLS/../../tools/private-docker.sh"

cat >dies_test.c <<'END_OF_FILE'
#include <seam/seam.h>
#include <seam/service.h>

#include <unistd.h>

/* One that ends when it is told to, so that the daemon does as well. */
#define SLEEPS(seconds)                                                                            \
    .image = "seam-test/busybox", .network_mode = "none", .cmd = { "sleep", seconds },            \
    .raw_json = "{\"StopSignal\": \"KILL\"}"

static bool is_there(void *arg)
{
    return access(arg, F_OK) == 0;
}

static void come(seam_t *t)
{
    seam_write_file(t, seam_format(t, "came/%s", seam_name(t)), "", 0);
}

static void await_it(seam_t *t)
{
    seam_require_eventually(t, 60000, is_there, (void *)"it_is_done");
}

SEAM_TEST(command_in_it)
{
    seam_container *server = seam_container_start(t, SLEEPS("1000"), .private_server = true);

    come(t);
    await_it(t);
    seam_container_exec(server, .argv = { "true" });
}

SEAM_TEST(log_of_it)
{
    seam_container *server = seam_container_start(t, SLEEPS("1001"));

    come(t);
    await_it(t);
    seam_container_follow(server, "never", 10000);
}

SEAM_TEST(waits_for_it)
{
    come(t);
    seam_container_start(t, SLEEPS("1002"), .wait = { .log = "never" });
}

SEAM_TEST(starts_after_it)
{
    come(t);
    await_it(t);
    seam_container_start(t, SLEEPS("1003"));
}

SEAM_TEST(shares_after_it)
{
    come(t);
    await_it(t);
    seam_container_start(t, SLEEPS("1001"));
}

SEAM_TEST(has_a_network_after_it)
{
    come(t);
    await_it(t);
    seam_network_start(t);
}

SEAM_TEST(uses_none)
{
    come(t);
    await_it(t);
}
END_OF_FILE
mkdir came
seam test -c -o program . || exit 1
docker save -o busybox.tar seam-test/busybox || exit 1

place=$PWD/docker
mkdir "$place"
trap '[ -z "$daemon" ] || kill -CONT "$daemon" 2>/dev/null; private_docker_end "$place"' EXIT
trap 'exit 1' HUP INT TERM

start_daemon() {
    private_docker_start "$place" --iptables=false >why
    [ ! -s why ] || stop "$(cat why)"
}

# shellcheck disable=SC2317 # for await
all_came() {
    [ "$(find came -type f | wc -l)" = 7 ] && [ "$(docker ps -q | wc -l)" = 3 ]
}

# run - in the background, until each test is at its place.
run() {
    rm -f came/* it_is_done
    seam run -v -parallel 8 -timeout 20s ./program >out 2>&1 &
    runner=$!
    await 'the tests' all_came
}

# ends STATUS... - the run ends, and what `test status` says of each test is so.
ends() {
    touch it_is_done
    wait $runner
    same 'the status of the run' 1 $?
    for line; do
        grep -q "^--- ${line% *}: ${line#* } " out || stop "not so: $line"
    done
}

# says TEST PATTERN - of that test the report has a line.
says() {
    sed -n "/^=== RUN   $1\$/,/^--- /p" out | grep -q "$2" || stop "$1 does not say: $2"
}

start_daemon
docker load -q -i busybox.tar >load.out 2>&1 || stop 'cannot load the image'

run
kill -TERM "$daemon"
wait "$daemon" 2>/dev/null
start_daemon
ends 'FAIL command_in_it' 'FAIL log_of_it' 'FAIL waits_for_it' 'PASS starts_after_it' \
    'PASS shares_after_it' 'PASS has_a_network_after_it' 'PASS uses_none'
says command_in_it "cannot run 'true' in container"
says log_of_it "'seam-test/busybox' has ended without 'never' in its log"
says waits_for_it 'seam-test/busybox'

run
kill -STOP "$daemon"
ends 'FAIL command_in_it' 'FAIL log_of_it' 'FAIL waits_for_it' 'FAIL starts_after_it' 'PASS uses_none'
says command_in_it "timed out\|was still running when the run's time was over"
kill -CONT "$daemon"

run
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
ends 'FAIL command_in_it' 'FAIL log_of_it' 'FAIL waits_for_it' 'FAIL starts_after_it' \
    'FAIL has_a_network_after_it' 'PASS uses_none'
says log_of_it "'seam-test/busybox' has ended without 'never' in its log"
for test in command_in_it starts_after_it has_a_network_after_it; do
    says $test "the Docker daemon at 'unix://.*/docker.sock' does not answer ("
done
says waits_for_it "the Docker daemon at 'unix://.*/docker.sock' does not answer any more, and 'seam-test/busybox' was not ready"
exit 0
