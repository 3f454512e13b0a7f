#!/bin/sh
# standard-streams.sh - standard streams that are closed, full, or that nobody reads: nothing is written
# to where it does not belong, and a report that is lost is no success.
set -u
wrong=0

complain() {
    echo "$1"
    cat out
    wrong=1
}

mkdir plain
echo '#include <seam/seam.h>
SEAM_TEST(plain)
{
}' >plain/plain_test.c

seam test -v ./plain -events log >&- 2>out || complain 'stdout is closed'
seam replay -v log >out 2>&1 || complain 'the log of a run without stdout'
grep -q '^--- PASS: plain' out || complain 'the log of a run without stdout has no test'
seam test -events log ./plain <&- >&- 2>&- || complain 'all are closed'
seam replay log >out 2>&1 || complain 'the log of a run without streams'

if [ -e /dev/full ]; then
    for format in -v -json; do
        seam test $format ./plain >/dev/full 2>out
        [ $? = 5 ] || complain "$format: a full stdout is no success"
        grep -q 'cannot write.*No space left' out || complain "$format: nothing says that stdout is full"
    done
    seam help >/dev/full 2>out
    [ $? = 5 ] || complain 'help: a full stdout is no success'
    seam replay log >/dev/full 2>out
    [ $? = 5 ] || complain 'replay: a full stdout is no success'
fi

# The reader goes after the first line: what has not begun by then does not begin. Each test says more than
# the pipe holds, or a run would be over before a slow reader has read its line.
for n in 1 2 3 4 5 6 7 8; do
    mkdir -p talks/$n
    echo '#include <seam/seam.h>
#include <stdio.h>
SEAM_TEST(talks)
{
    printf("%0200000d", 1);
}' >talks/$n/talks_test.c
done
mkfifo reader
{ head -n 1 <reader >/dev/null; } &
seam test -v -parallel 1 -events log ./talks/... >reader 2>out
[ $? = 5 ] || complain 'nobody has read the report'
wait
[ ! -s out ] || complain 'a reader that goes is no trouble to speak of'
exit $wrong
