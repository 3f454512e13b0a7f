#!/bin/sh
# daemon-full.sh - a daemon whose disk is full is told by its own words, and with what makes room.
# alone: with its own /dev/shm
# needs: docker image inspect seam-test/busybox && command -v dockerd && [ "$(id -u)" = 0 ]
set -u
# shellcheck source=tests/e2e/common.sh
. "$E2E_TOOLS/common.sh"
# shellcheck source=tools/private-docker.sh
. "$E2E_TOOLS/../../tools/private-docker.sh"

cat >full_test.c <<'END_OF_FILE'
#include <seam/seam.h>
#include <seam/service.h>

SEAM_TEST(file_has_no_room)
{
    seam_container_start(t, .image = "seam-test/busybox", .network_mode = "none", .cmd = { "sleep", "1000" },
                         .files = { { .path = "/big", .from = "big" } });
}

SEAM_TEST(build_has_no_room)
{
    seam_container_start(t, .build = { .folder = "made" });
}
END_OF_FILE
mkdir made
cat >made/Dockerfile <<'END_OF_FILE'
FROM seam-test/busybox
COPY big /big
END_OF_FILE
head -c 80000000 /dev/zero >big
ln big made/big
seam test -c -o program . || exit 1
docker save -o busybox.tar seam-test/busybox || exit 1

# In the case's own mount namespace.
place=$PWD/docker
mkdir "$place"
mount -t tmpfs -o size=48m tmpfs "$place" || exit 1
trap 'private_docker_end "$place" 2>/dev/null; umount -l "$place"' EXIT
trap 'exit 1' HUP INT TERM

private_docker_start "$place" --iptables=false >why
[ ! -s why ] || stop "$(cat why)"
docker load -q -i busybox.tar >load.out 2>&1 || stop 'cannot load the image'

seam run -v ./program >out 2>&1
same 'the status of the run' 1 $?
for what in "cannot copy files into container '[0-9a-f]*'" "cannot build '.*/made/Dockerfile'"; do
    grep -q "$what: the Docker daemon says '.*no space left on device.*; try: make room: docker system prune" out ||
        stop "not said: $what"
done
exit 0
