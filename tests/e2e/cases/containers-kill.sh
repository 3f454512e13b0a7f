#!/bin/sh
# containers-kill.sh - kill -9 of the runner, and now and then of the keeper, at random moments of a run that makes and
# removes containers, networks, volumes and images all the time: 5 seconds later nothing bears its label.
# alone: with its own /dev/shm
# needs: docker image inspect seam-test/busybox && command -v curl
set -u
# shellcheck source=tests/e2e/common.sh
. "$E2E_TOOLS/common.sh"
rounds=${E2E_ROUNDS:-4}
export DOCKER_HOST="${DOCKER_HOST:-unix:///var/run/docker.sock}"

mkdir made
printf 'FROM seam-test/busybox\nRUN echo %s >/made\n' "$$" >made/Dockerfile
cat >busy_test.c <<'END_OF_FILE'
#include <seam/seam.h>
#include <seam/service.h>

#define IMAGE "seam-test/busybox"

SEAM_SUBTEST(makes_and_removes)
{
    seam_network *network = seam_network_start(t);

    (void)arg;
    for (int i = 0; i < 2; i++)
        seam_container_start(t, .image = IMAGE, .network = network, .mounts = { "data:/data" },
                             .cmd = { "sleep", "1000" });
}

static void go_on(seam_t *t)
{
    for (;;)
        seam_run(t, "again", makes_and_removes, NULL);
}

SEAM_TEST(busy_1) { go_on(t); }
SEAM_TEST(busy_2) { go_on(t); }
SEAM_TEST(busy_3) { go_on(t); }

SEAM_TEST(shares_one_that_is_built)
{
    seam_container_start(t, .build = { .folder = "made" }, .cmd = { "sleep", "1000" });
    go_on(t);
}
END_OF_FILE
seam test -c -o program . || exit 1

# left RUN - what bears the run's label, one a line. Asked of the daemon itself: the command takes its time.
left() {
    filter='filters=%7B%22label%22%3A%5B%22seam.run%22%5D%7D'
    curl -s --unix-socket "${DOCKER_HOST#unix://}" "http://docker/v1.41/containers/json?all=1&$filter" \
        "http://docker/v1.41/networks?$filter" "http://docker/v1.41/volumes?$filter" \
        "http://docker/v1.41/images/json?$filter" | grep -o "\"seam.run\":\"$1\.[^\"]*"
}

# The run's folder is named after it.
find_run() {
    for folder in "$TMPDIR"/seam-*; do
        [ -e "$folder" ] && run=${folder##*/seam-} && return 0
    done
    return 1
}

wrong=0
for round in $(seq "$rounds"); do
    victim=runner
    [ $((round % 5)) -ne 4 ] || victim=keeper
    delay=$(($(od -An -N2 -tu2 /dev/urandom) % 5000))
    seam run ./program -v -parallel 4 -timeout 20s >out 2>&1 &
    runner=$!
    await 'the folder of the run' find_run
    timeout "$(printf '%d.%03d' $((delay / 1000)) $((delay % 1000)))" tail --pid=$runner -f /dev/null
    keeper=$(ps -o pid=,comm= --ppid $runner | awk '$2 == "services" { print $1 }')
    if [ $victim = keeper ] && [ -n "$keeper" ]; then
        kill -KILL "$keeper"
        timeout 1 tail --pid=$runner -f /dev/null
    fi
    kill -KILL $runner
    from=$(date +%s%N)
    wait $runner 2>/dev/null
    until left "$run" >left.out; [ ! -s left.out ]; do
        [ $(($(date +%s%N) - from)) -lt 30000000000 ] || break
        timeout 0.2 tail -f /dev/null # who asks all the time takes the daemon's
    done
    took=$((($(date +%s%N) - from) / 1000000))
    [ -z "${E2E_SAY-}" ] || echo "$victim killed after $delay ms: $took ms" >>"$E2E_SAY"
    await 'the folder of the run to go' sh -c "! ls -d '$TMPDIR'/seam-* >/dev/null 2>&1"
    [ $took -gt 5000 ] || continue
    wrong=$((wrong + 1))
    echo "$victim killed after $delay ms: what it had was there for $took ms"
    sort left.out | uniq -c
done
[ $wrong -eq 0 ]
