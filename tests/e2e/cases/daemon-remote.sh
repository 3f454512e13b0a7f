#!/bin/sh
# daemon-remote.sh - on a daemon of another machine Ryuk cleans up after a run: it is told the run's label before
# anything is made, and sees the connection end whoever is killed. Without it there is a warning.
# alone: with its own /dev/shm
# needs: docker image inspect seam-test/busybox && command -v dockerd && command -v socat && [ "$(id -u)" = 0 ]
set -u
# shellcheck source=tests/e2e/common.sh
. "$E2E_TOOLS/common.sh"
# shellcheck source=tools/private-docker.sh
. "$E2E_TOOLS/../../tools/private-docker.sh"

cat >remote_test.c <<'END_OF_FILE'
#include <seam/http.h>
#include <seam/seam.h>
#include <seam/service.h>

#include <unistd.h>

static bool is_there(void *arg)
{
    return access(arg, F_OK) == 0;
}

SEAM_TEST(is_reached_from_here)
{
    seam_container *web = seam_container_start(t, .image = "seam-test/busybox", .ports = { 80 },
        .cmd = { "httpd", "-f", "-h", "/etc" }, .wait = { .http = "/hostname", .port = 80 });

    seam_log(t, "at %s", seam_container_host(web));
    seam_write_file(t, "came", "", 0);
    seam_require_eventually(t, 20000, is_there, (void *)"go");
}
END_OF_FILE
seam test -c -o program . || exit 1
docker save -o busybox.tar seam-test/busybox || exit 1

place=$PWD/docker
mkdir "$place"
trap 'private_docker_end "$place"' EXIT
trap 'exit 1' HUP INT TERM
private_docker_start "$place" --iptables=false >why
[ ! -s why ] || stop "$(cat why)"
docker load -q -i busybox.tar >load.out 2>&1 || stop 'cannot load the image'

# The daemon is on another machine as far as one can tell by its name: the address of its own bridge. A forwarder
# of the machine's own makes it so.
local=$DOCKER_HOST
address=$(docker network inspect -f '{{(index .IPAM.Config 0).Gateway}}' bridge)
socat TCP-LISTEN:0,bind="$address",fork UNIX-CONNECT:"$place/docker.sock" 2>/dev/null &
forwarder=$!
trap 'kill $forwarder; private_docker_end "$place"' EXIT
await 'the forwarder' sh -c "ss -ltnp | grep -q 'pid=$forwarder,'"
port=$(ss -ltnp | sed -n "s/.* $address:\([0-9]*\) .*pid=$forwarder,.*/\1/p")

# run REMOTE - until its test has its server.
run() {
    rm -f came go
    DOCKER_HOST=tcp://$address:$port TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE=$place/docker.sock \
        seam run -v ./program >out 2>&1 &
    runner=$!
    await 'the server' [ -e came ]
}

run
touch go
wait $runner || stop 'the test has failed'
grep -q "at $address" out || stop 'it is not at the address of its machine'
grep -q "warning: 'tcp://$address:$port' is another machine, and Ryuk.* cannot be started (.*): when this machine fails" out ||
    stop 'there is no warning'

# One that writes down what it is told, and that its client has gone.
mkdir ryuk
cat >ryuk/Dockerfile <<'END_OF_FILE'
FROM seam-test/busybox
COPY answer serve /
CMD ["/bin/sh", "/serve"]
END_OF_FILE
cat >ryuk/answer <<'END_OF_FILE'
read -r line
echo "told $line" >/proc/1/fd/1
echo ACK
cat >/dev/null
echo gone >/proc/1/fd/1
END_OF_FILE
cat >ryuk/serve <<'END_OF_FILE'
exec nc -ll -p 8080 -e /bin/sh /answer
END_OF_FILE
DOCKER_BUILDKIT=0 docker build -q -t testcontainers/ryuk:0.14.0 ryuk >build.out 2>&1 || stop 'cannot build'

of_ryuk() {
    docker ps -q --filter label=seam.ryuk
}

run
! grep -q warning out || stop 'there is a warning'
ryuk=$(of_ryuk)
run_label=$(docker inspect -f '{{index .Config.Labels "seam.run"}}' "$(docker ps -q --filter label=seam.run)")
same 'what Ryuk was told' "told label=seam.run=$run_label" "$(docker logs "$ryuk")"
touch go
wait $runner || stop 'the test has failed'
# shellcheck disable=SC2317 # for await
none_left() {
    [ -z "$(docker ps -aq)" ]
}
await 'all to go' none_left

run
ryuk=$(of_ryuk)
keeper=$(ps -o pid=,comm= --ppid $runner | awk '$2 == "services" { print $1 }')
kill -STOP "$keeper"
kill -KILL $runner "$keeper"
wait $runner 2>/dev/null
await 'Ryuk to see it' sh -c "docker logs $ryuk | grep -q '^gone$'"
DOCKER_HOST=$local seam services prune >/dev/null
exit 0
