#!/bin/sh
# odd-places.sh - a 64 MB tmpfs, no /dev/shm, a uid without a passwd entry, root in a user namespace
# shellcheck disable=SC2016 # the mounts are for the inner shell
# that knows one id: the tests run, and those with a database run or are skipped with the reason.
# needs: unshare -rm true
set -u
wrong=0
cat >place_test.c <<'END'
#include <seam/seam.h>

SEAM_TEST(plain)
{
    seam_check(t, seam_tempdir(t) != NULL);
}
END
cat >lease_test.c <<'END'
#include <seam/postgres.h>

SEAM_TEST(lease_one)
{
    seam_postgres_exec(seam_postgres_start(t), "CREATE TABLE mine (id int)");
}

SEAM_TEST(lease_two)
{
    seam_postgres_exec(seam_postgres_start(t), "CREATE TABLE mine (id int)");
}
END
# Root needs no user namespace to mount things, and has its ids there.
alone='unshare -rm'
[ "$(id -u)" = 0 ] && alone='unshare -m'

# judge WHAT: `out` must show that the plain test passed and that each lease passed or says why not.
judge() {
    plain=$(grep -c '^--- PASS: plain' out)
    leases=$(grep -cE '^--- (PASS|SKIP): lease_' out)
    if [ "$plain $leases" != '1 2' ] || { grep -q '^--- SKIP: lease' out && ! grep -q 'try:' out; }; then
        echo "$1:"
        cat out
        wrong=1
    fi
}

# place WHAT MOUNTS: run the tests where these commands have been at work.
place() {
    $alone sh -c "set -e; $2
        exec seam test -v ." >out 2>&1
    judge "$1"
}

place 'an ordinary place' ':'
place '64 MB of shared memory' 'mount -t tmpfs -o size=64m tmpfs /dev/shm'
place '64 MB for everything' 'mount -t tmpfs -o size=64m tmpfs "$TMPDIR"
        mkdir "$TMPDIR/shm"
        mount --bind "$TMPDIR/shm" /dev/shm'
place 'a /dev/shm that cannot be written' 'mount -t tmpfs -o ro tmpfs /dev/shm'
place 'no /dev/shm at all' 'mkdir ../dev
        mount --rbind /dev ../dev
        mount -t tmpfs tmpfs /dev
        for file in null zero random urandom; do
            : >/dev/$file
            mount --bind ../dev/$file /dev/$file
        done
        ln -s /proc/self/fd /dev/fd'
place 'a folder that only root may enter' 'mkdir -m 700 ../private ../private/tmp
        export TMPDIR=$PWD/../private/tmp'
alone='unshare -r'
place 'root in a user namespace with one id' ':'

if [ "$(id -u)" = 0 ]; then
    mkdir ../odd ../odd/pkg ../odd/tmp ../odd/cache
    cp ./*.c ../odd/pkg
    chmod a+x "$E2E_WORK"
    chown -R 12345:12345 ../odd
    (cd ../odd/pkg && HOME=/nonexistent TMPDIR=$E2E_CASE/odd/tmp SEAM_CACHE=$E2E_CASE/odd/cache \
        setpriv --reuid 12345 --regid 12345 --clear-groups seam test -v .) >out 2>&1
    judge 'uid 12345 without a passwd entry'
fi
exit $wrong
