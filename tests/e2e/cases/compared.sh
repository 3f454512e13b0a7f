#!/bin/sh
# compared.sh - docs/guide/services-compared.md names tests that are there, and has all of its rows.
set -u
root=$E2E_TOOLS/../..
page=$root/docs/guide/services-compared.md
wrong=0

# shellcheck disable=SC2016
grep -o '`[a-z0-9_./-]*`' "$page" | tr -d '`' | sort -u >names
while read -r name; do
    case $name in
    seam_*) grep -rqw "$name" "$root/include" ;;
    */*_test.c) [ -e "$root/$name" ] ;;
    *.txt | *.sh) [ -e "$root/tests/e2e/cases/$name" ] ;;
    *_*_*) grep -rqE "SEAM_TEST\(${name}[,)]" "$root/src" "$root/tests/e2e/cases" ;;
    *) continue ;;
    esac || { echo "$page names '$name', which is not there" && wrong=1; }
done <names
grep -qx 'engine_agrees_on_the_newest_version_of_both' names || { echo 'no names were found' && wrong=1; }
rows=$(grep -cE '^\| [0-9]+ \| ' "$page")
[ "$rows" -eq 72 ] || { echo "$page has $rows rows, not 72" && wrong=1; }
exit $wrong
