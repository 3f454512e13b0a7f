#!/bin/sh
# generate.sh TESTS FOLDER - write a package of TESTS tests for each file of kinds/, and the table
# that count.c reads (FOLDER/kinds: name, verdict, subtests, what is said, what is never said, and
# whether the text report shows the test though it passes).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tests=$1 folder=$2

# The value of "key: value" in the comment that begins a kind's file.
fact() {
    sed -n "1,/\*\//s|^[/ ]\* $2: \(.*\)|\1|p" "$1" | sed 's| \*/$||'
}

verdict() {
    sed -n '1s|^/\* \([a-z]*\):.*|\1|p' "$1"
}

mkdir -p "$folder"
cp "$here/oracle.h" "$folder"
: >"$folder/kinds"
for file in "$here"/kinds/*.c; do
    kind=$(basename "$file" .c)
    mkdir -p "$folder/$kind"
    # What stands before the test is needed once, the test itself with each number.
    awk -v tests="$tests" '
        BEGIN { print "//seam:cflags -I.." }
        /^SEAM_TEST\(/ { inside = 1 }
        inside { body = body $0 "\n"; next }
        { print }
        END {
            for (i = 1; i <= tests; i++) {
                copy = body
                gsub(/NUMBER/, sprintf("%03d", i), copy)
                print copy
            }
        }' "$file" >"$folder/$kind/${kind}_test.c"
    subtests=$(fact "$file" subtests)
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$kind" "$(verdict "$file")" "${subtests:-0}" \
        "$(fact "$file" says)" "$(fact "$file" 'never says')" "$(fact "$file" shown)" >>"$folder/kinds"
done
