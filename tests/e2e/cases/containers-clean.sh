#!/bin/sh
# containers-clean.sh - nothing that a run has in a Docker daemon outlives it for 5 seconds, whoever is killed, and
# nobody touches what another run has.
# alone: with its own /dev/shm
# needs: docker image inspect seam-test/busybox
set -u
# shellcheck source=tests/e2e/common.sh
. "$E2E_TOOLS/common.sh"

# All that this case makes bears a label of its own, besides the run's.
mine=e2e=$$
mkdir a b
sed "s/MINE/$mine/" >a/hold_test.c <<'END_OF_FILE'
#include <seam/seam.h>
#include <seam/service.h>

#include <unistd.h>

static bool may_go(void *arg)
{
    return access(arg, F_OK) == 0;
}

SEAM_TEST(holds_containers)
{
    seam_network *network = seam_network_start(t);
    seam_container *shared = seam_container_start(t, .image = "seam-test/busybox", .labels = { "MINE" },
                                                  .cmd = { "sleep", "1000" }, .mounts = { "data:/data" });

    seam_container_start(t, .image = "seam-test/busybox", .labels = { "MINE" }, .network = network,
                         .cmd = { "sleep", "1000" });
    seam_write_file(t, "ready", "", 0);
    seam_require_eventually(t, 60000, may_go, (void *)"go");
    seam_container_exec(shared, .argv = { "true" });
}
END_OF_FILE
cp a/hold_test.c b/
seam test -c -o a.program ./a && seam test -c -o b.program ./b || exit 1

# start a|b - in the background, until its test has its containers; its pid is in `runner`, its label in `label`.
start() {
    rm -f "$1/ready" "$1/go"
    before=$(docker ps -q --filter "label=$mine")
    seam test -v "./$1" >"$1.out" 2>&1 &
    runner=$!
    await "the containers of $1" [ -e "$1/ready" ]
    for id in $(docker ps -q --filter "label=$mine"); do
        echo "$before" | grep -q "$id" ||
            label=$(docker inspect -f '{{index .Config.Labels "seam.run"}}' "$id")
    done
}

# count WHAT LABEL - how many containers, networks and volumes bear it.
count() {
    { docker ps -aq --filter "label=$1"; docker network ls -q --filter "label=$1"
      docker volume ls -q --filter "label=$1"; } | wc -l
}

# gone WHAT LABEL - within 5 seconds nothing bears it any more.
gone() {
    limit=$(($(date +%s) + 6))
    until [ "$(count "seam.run=$2")" = 0 ]; do
        [ "$(date +%s)" -lt $limit ] || stop "5 s later there is still something of $1"
    done
}

keeper_of() {
    ps -o pid=,comm= --ppid "$1" | awk '$2 == "services" { print $1 }'
}

# In the ordinary way.
start a
same 'what a run has' 4 "$(count "seam.run=$label")"
: >a/go
wait "$runner" || stop 'a run has failed'
gone 'what a run had' "$label"

# The runner is killed; another run goes on.
start b
other=$label other_runner=$runner
start a
kill -KILL "$runner"
wait "$runner" 2>/dev/null
gone 'what a killed runner had' "$label"
same 'what the other run has' 4 "$(count "seam.run=$other")"

# The keeper is killed: the runner does its work.
start a
kill -KILL "$(keeper_of "$runner")"
gone 'what a killed keeper had' "$label"
: >a/go
wait "$runner" && stop 'a run has passed whose keeper was killed'
grep -q 'the keeper died' a.out || stop 'nothing is said of the keeper'
same 'what the other run has' 4 "$(count "seam.run=$other")"

# Both are killed: the next run does it.
start a
dead=$label keeper=$(keeper_of "$runner")
kill -STOP "$keeper"
kill -KILL "$runner"
kill -KILL "$keeper"
wait "$runner" 2>/dev/null
same 'what nobody has cleaned up' 4 "$(count "seam.run=$dead")"
seam services prune >/dev/null
gone 'what a dead run had' "$dead"
same 'what the other run has' 4 "$(count "seam.run=$other")"

: >b/go
wait "$other_runner" || stop 'the other run has failed'
gone 'what the other run had' "$other"
