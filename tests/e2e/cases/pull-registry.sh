#!/bin/sh
# pull-registry.sh - `seam pull` fetches what tests name and pins it in seam.lock, which holds when the tag moves;
# -offline asks no registry.
# needs: docker image inspect seam-test/busybox && command -v docker-registry
set -u
# shellcheck source=tests/e2e/common.sh
. "$E2E_TOOLS/common.sh"

cat >registry.yml <<'END_OF_FILE'
version: 0.1
log: { level: info, accesslog: { disabled: true } }
storage: { filesystem: {} }
http: { addr: 127.0.0.1:0 }
END_OF_FILE
mkdir data
REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=$PWD/data docker-registry serve registry.yml >registry.log 2>&1 &
registry=$!
trap '[ -z "$registry" ] || kill "$registry"; forget; docker rmi -f "$host/local" >/dev/null 2>&1' EXIT
await 'the registry' grep -q 'listening on' registry.log
host=$(sed -n 's/.*listening on \(127[0-9.:]*\).*/\1/p' registry.log | head -n 1)
image=$host/team/app:1

# publish WORD - the image's content is that word; nothing of it stays here.
publish() {
    mkdir -p root
    echo "$1" >root/word
    printf 'FROM seam-test/busybox\nCOPY word /word\n' >root/Dockerfile
    DOCKER_BUILDKIT=0 docker build -q -t "$image" root >build.out 2>&1 || stop 'cannot build'
    docker push -q "$image" >push.out 2>&1 || stop 'cannot push'
    forget
}

# A container that is still being removed keeps its image.
forget() {
    await 'the images to go' is_forgotten
}

is_forgotten() {
    docker images -q "$host/team/*" | sort -u | xargs -r docker rmi -f >/dev/null 2>&1
    [ -z "$(docker images -q "$host/team/*")" ]
}

mkdir pkg
cat >pkg/app_test.c <<END_OF_FILE
#include <seam/seam.h>
#include <seam/service.h>

#define IMAGE "$image"

/* Not for us: .image = "in/a/comment" */
static const char text[] = ".image = \\"in/a/text\\"";

SEAM_TEST(app_says_its_word)
{
    seam_container *app = seam_container_start(t, .image = IMAGE, .cmd = { "sleep", "1000" });

    seam_log(t, "the word is %s", seam_container_copy_from(app, "/word", NULL));
    (void)text;
}
END_OF_FILE

# word FLAG... - what the container of the test has, else what the test says.
word() {
    seam test -v "$@" ./pkg >test.out 2>&1
    sed -n 's/.*the word is //p' test.out
}

# pull - its output without digests; all of it in pull.out.
pull() {
    seam pull "$@" >pull.out 2>&1
    status=$?
    sed "s/sha256:[0-9a-f]\{64\}/DIGEST/; s|$host|HOST|g" pull.out
    return $status
}

publish first
same 'the first pull' "HOST/team/app:1	DIGEST" "$(pull)"
digest=$(grep -o 'sha256:.*' pull.out)
same 'seam.lock' "$image $digest" "$(tail -n 1 seam.lock)"
same 'what is pinned' first "$(word -offline)"

# The tag moves, what is pinned does not.
publish second
same 'pulled as pinned' "HOST/team/app:1	is here" "$(pull)"
same 'still pinned' first "$(word)"
same 'below the lock' first "$(cd pkg && seam test -v . 2>&1 | sed -n 's/.*the word is //p')"
same 'the update' "HOST/team/app:1	DIGEST" "$(pull -update)"
[ "$digest" != "$(grep -o 'sha256:.*' seam.lock)" ] || stop 'the lock was not updated'
same 'after the update' second "$(word -offline)"

# Nothing here, and nobody may be asked.
forget
same 'offline' '' "$(word -offline)"
grep -q "the image '$host/team/app@sha256:[0-9a-f]*' is not here, and -offline lets nobody ask for it" test.out ||
    stop 'offline says nothing'
grep -q 'try: seam pull' test.out || stop 'offline has no remedy'
grep -q -- '--- SKIP: app_says_its_word' test.out || stop 'offline is no skip'
seam test -offline -no-skip ./pkg >test.out 2>&1 && stop 'offline passed under -no-skip'

# A container that is asked for gets it again by itself, as pinned.
publish third
same 'without a pull before' second "$(word)"

# .pull asks the registry for a newer one than is here; without a lock, and not under -offline.
mv seam.lock aside.lock
sed 's/IMAGE, .cmd/IMAGE, .pull = true, .cmd/' pkg/app_test.c >app_test.c
publish fourth
make_here() {
    echo here >root/word
    DOCKER_BUILDKIT=0 docker build -q -t "$image" root >build.out 2>&1 || stop 'cannot build'
}
make_here
same 'what is here' here "$(word)"
cp app_test.c pkg/
same '.pull under -offline' here "$(word -offline)"
same '.pull' fourth "$(word)"
sed -i 's/ .pull = true,//' pkg/app_test.c
mv aside.lock seam.lock

# What only this machine has, and what is no text.
docker tag seam-test/busybox "$host/local"
mkdir other
cat >other/local_test.c <<END_OF_FILE
#include <seam/seam.h>
#include <seam/service.h>

static const char *const local = "$host/local";

SEAM_TEST(names_images)
{
    static const char *names[] = { "a" };

    seam_container_start(t, .image = local);
    seam_container_start(t, .image = names[0]);
    seam_container_start(t, .image = NULL, .build = { .folder = "." });
}
END_OF_FILE
same 'of this machine' "seam: pull: local_test.c:11: this image's name is no text of this file, so it is not fetched
HOST/local	is of this machine alone and not pinned" "$(pull ./other)"
grep -q local seam.lock && stop 'what no registry has was pinned'

# A line that is none, in a pull and in a test.
cp seam.lock good.lock
echo "$image latest" >seam.lock
same 'a wrong line' "seam: pull: $PWD/seam.lock:1: a line is 'name sha256:...'; try: seam pull -update" "$(pull ./pkg)"
same 'a wrong line in a test' '' "$(word)"
grep -q "seam.lock:1: a line is 'name sha256:...'; try: seam pull -update" test.out || stop 'the test says nothing'
cp good.lock seam.lock

# The registry is gone: the lock stays.
kill $registry
wait $registry 2>/dev/null
registry=''
pull -update ./pkg >gone.out && stop 'a pull from nowhere passed'
grep -q "^seam: pull: cannot pull 'HOST/team/app:1': .*connection refused" gone.out || stop 'no words for a registry that is gone'
cmp -s good.lock seam.lock || stop 'a failed pull has changed the lock'
same 'no daemon' "seam: pull: cannot use 'unix:///no/socket' of DOCKER_HOST: No such file or directory; try: correct or unset DOCKER_HOST" \
    "$(DOCKER_HOST=unix:///no/socket pull ./pkg)"
