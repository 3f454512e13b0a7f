#!/bin/sh
# many.sh - a thousand short tests, many at once: their ends and what is granted meet each other in
# every order, and neither a test nor a slot is lost.
set -u
wrong=0

{
    echo '#include <seam/seam.h>'
    for n in $(seq 1000); do
        echo "SEAM_TEST(short_$n) { seam_check(t, $n > 0); }"
    done
} >many_test.c
seam test . || exit 1

for width in 3 8 50; do
    for round in 1 2 3 4 5 6; do
        timeout 60 seam test -json -count 1 -parallel $width . >out 2>&1
        status=$?
        passed=$(grep -c '"Action":"pass".*"Test":' out)
        [ $status -eq 0 ] && [ "$passed" -eq 1000 ] && continue
        echo "-parallel $width, round $round: exit $status, $passed passed; the end:"
        tail -n 3 out
        wrong=1
    done
done
exit $wrong
