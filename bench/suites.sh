# shellcheck shell=bash
# bench/suites.sh - write the same suites for Seam and for each peer.
#
# Each takes a file, a number of tests and `trivial` or `wait` (a wait of 20 ms).

# repeat COUNT FORMAT: print FORMAT for 1 to COUNT; each %d becomes the number.
repeat() {
    awk -v count="$1" -v text="$2" 'BEGIN {
        for (i = 1; i <= count; i++) { line = text; gsub(/%d/, i, line); print line } }'
}

# What a test does in C.
c_body() {
    [ "$1" = wait ] && printf 'poll(NULL, 0, 20); '
    return 0
}

# Over several files, as people write them, so that they compile side by side. Takes a folder.
write_seam() {
    local folder=$1 count=$2 kind=$3 file
    mkdir -p "$folder"
    for file in 1 2 3 4; do
        {
            printf '#include <seam/seam.h>\n#include <poll.h>\n\nstatic volatile int one = 1;\n\n'
            repeat $((count / 4)) "SEAM_TEST(t${file}_%d) { $(c_body "$kind")seam_check(t, one == 1); }"
        } >"$folder/part${file}_test.c"
    done
}

write_seam_subtests() {
    local folder=$1 count=$2
    mkdir -p "$folder"
    cat >"$folder/subtests_test.c" <<END
#include <seam/seam.h>

#include <stdio.h>

static volatile int one = 1;

SEAM_SUBTEST(row)
{
    seam_check(t, one == 1);
}

SEAM_TEST(rows)
{
    char name[32];

    for (int i = 0; i < $count; i++) {
        snprintf(name, sizeof name, "row%d", i);
        seam_run(t, name, row, NULL);
    }
}
END
}

write_check() {
    local file=$1 count=$2
    {
        printf '#include <check.h>\n#include <stdlib.h>\n\nstatic volatile int one = 1;\n\n'
        repeat "$count" 'START_TEST(t%d) { ck_assert_int_eq(one, 1); } END_TEST'
        printf 'int main(void)\n{\n    Suite *s = suite_create("s");\n    TCase *c = tcase_create("c");\n'
        printf '    SRunner *r;\n    int failed;\n\n'
        repeat "$count" '    tcase_add_test(c, t%d);'
        printf '    suite_add_tcase(s, c);\n    r = srunner_create(s);\n    srunner_run_all(r, CK_SILENT);\n'
        printf '    failed = srunner_ntests_failed(r) || srunner_ntests_run(r) != %d;\n' "$count"
        printf '    srunner_free(r);\n    return failed;\n}\n'
    } >"$file"
}

write_criterion() {
    local file=$1 count=$2
    {
        printf '#include <criterion/criterion.h>\n\nstatic volatile int one = 1;\n\n'
        repeat "$count" 'Test(s, t%d) { cr_assert(one == 1); }'
    } >"$file"
}

# Takes a folder.
write_go() {
    local folder=$1 count=$2 kind=$3
    mkdir -p "$folder"
    printf 'module x\n\ngo 1.19\n' >"$folder/go.mod"
    {
        printf 'package x\n\nimport (\n\t"testing"\n\t"time"\n)\n\n'
        printf 'var one = 1\nvar pause = 20 * time.Millisecond\n\n'
        if [ "$kind" = wait ]; then
            repeat "$count" 'func TestT%d(t *testing.T) { t.Parallel(); time.Sleep(pause) }'
        else
            repeat "$count" 'func TestT%d(t *testing.T) { if one != 1 { t.Fatal() } }'
        fi
    } >"$folder/x_test.go"
}

# The package of the edit loop: ten files with ten tests each, and one source.
write_seam_package() {
    local folder=$1 file
    mkdir -p "$folder"
    printf 'int add(int a, int b);\n' >"$folder/add.h"
    printf '#include "add.h"\n\nint add(int a, int b)\n{\n    return a + b;\n}\n' >"$folder/add.c"
    for file in 1 2 3 4 5 6 7 8 9 10; do
        {
            printf '#include <seam/seam.h>\n\n#include "add.h"\n\n'
            repeat 10 "SEAM_TEST(f${file}_%d) { seam_check(t, add(1, %d) == 1 + %d); }"
        } >"$folder/f${file}_test.c"
    done
}

write_go_package() {
    local folder=$1 file
    mkdir -p "$folder"
    printf 'module x\n\ngo 1.19\n' >"$folder/go.mod"
    printf 'package x\n\nfunc Add(a, b int) int { return a + b }\n' >"$folder/x.go"
    for file in 1 2 3 4 5 6 7 8 9 10; do
        {
            printf 'package x\n\nimport "testing"\n\n'
            repeat 10 "func TestF${file}T%d(t *testing.T) { if Add(1, %d) != 1+%d { t.Fatal() } }"
        } >"$folder/f${file}_test.go"
    done
}
