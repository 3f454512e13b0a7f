#!/bin/sh
# odd-folders.sh - folders whose names have blanks, quotes, brackets and what is special to ninja, make
# and the shell; one that is called as the folder that it is in; a line end is refused by name.
# shellcheck disable=SC2016 # names have a '$'
set -u
wrong=0

# passes WHAT WANTED-LINES COMMAND... - the command passes and prints so many lines that begin with ok.
passes() {
    what=$1 lines=$2
    shift 2
    "$@" >out 2>&1 && [ "$(grep -c '^ok' out)" = "$lines" ] && return
    echo "$what:"
    cat out
    wrong=1
}

# package FOLDER - a source with a static function, and a test that calls it, of a source elsewhere too.
package() {
    mkdir -p "$1/t" "$1/src"
    echo 'static int twice(int n) { return 2 * n; }
int four(void);
int four(void) { return twice(2); }' >"$1/src/four.c"
    echo '.globl five
five:
    mov $5, %eax
    ret
.section .note.GNU-stack,"",@progbits' >"$1/t/five.S"
    echo '//seam:sources ../src/*.c ../src/four.c
#include <seam/seam.h>
int four(void);
int five(void);
int twice(int n);
SEAM_TEST(counts)
{
    seam_check_eq(t, four() + twice(1), 6);
#ifdef __x86_64__
    seam_check_eq(t, five(), 5);
#endif
}' >"$1/t/four_test.c"
    [ "$(uname -m)" = x86_64 ] || rm "$1/t/five.S"
}

top=$PWD
for name in 'a b' "it's" 'say "so"' 'x[1]*?' '$HOME' 'a|b&c' '#1' 'ü' 'a:b' '-dash' '(p)' 'b\c' '%s' 'a+b'; do
    package "./$name"
    cd "./$name" || exit 1
    passes "$name, inside" 1 seam test ./t
    cd "$top" || exit 1
    passes "$name, from above" 1 seam test "./$name/..."
done

package same
mkdir -p same/same
cp same/src/four.c same/t/four_test.c same/same
cp same/src/four.c same
echo '#include <seam/seam.h>
SEAM_TEST(is_here) {}' >same/here_test.c
cd same || exit 1
sed -i /seam:sources/d same/four_test.c
sed -i /five/d same/four_test.c
passes 'a folder in one of its own name' 3 seam test ./...
cd "$top" || exit 1

package 'two
lines'
seam test './two
lines/t' >out 2>&1
status=$?
if [ $status != 3 ] || ! grep -q 'has a line end' out; then
    cat out
    wrong=1
fi
exit $wrong
