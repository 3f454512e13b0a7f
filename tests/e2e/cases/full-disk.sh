#!/bin/sh
# full-disk.sh - a temporary folder without room: the run says so and names what is full; it does not
# hang, and what could be told is told.
# needs: unshare -rm true
# shellcheck disable=SC2016 # the mounts are for the inner shell
set -u
cat >plain_test.c <<'END'
#include <seam/seam.h>

#include <stdio.h>

SEAM_TEST(plain)
{
}

SEAM_TEST(floods)
{
    for (int i = 0; i < 100000; i++)
        puts("0123456789 0123456789 0123456789 0123456789 0123456789");
}
END
seam test -run plain . >out 2>&1 || { cat out; exit 1; }
unshare -rm sh -c 'mount -t tmpfs -o size=64k tmpfs "$TMPDIR" && mount -t tmpfs -o size=64k tmpfs /dev/shm &&
    { cat /dev/zero >"$TMPDIR/zero"; cat /dev/zero >/dev/shm/zero; exec timeout 60 seam test -v .; }' >out 2>err
status=$?
case $status in
0 | 1) grep -q '^--- PASS: plain' out && exit 0 ;;
5) grep -qi 'space' err && exit 0 ;;
esac
echo "exit $status"
cat out err
exit 1
