/* same_test.c - the suite of same_test.go, so that both reports can be laid side by side. */
#include <seam/seam.h>

#include <stdio.h>

SEAM_TEST(TestPasses)
{
    seam_log(t, "fine");
}

SEAM_TEST(TestPrints)
{
    puts("printed");
    seam_log(t, "two\nlines");
}

SEAM_TEST(TestFails)
{
    seam_error(t, "wrong");
    seam_fatal(t, "no further");
}

SEAM_TEST(TestSkips)
{
    seam_skip(t, "not here");
}

SEAM_SUBTEST(good)
{
    seam_log(t, "fine");
}

SEAM_SUBTEST(empty)
{
}

SEAM_SUBTEST(skips)
{
    seam_skip(t, "not here");
}

SEAM_SUBTEST(bad)
{
    seam_error(t, "wrong");
}

SEAM_SUBTEST(leaf)
{
    seam_error(t, "rotten");
}

SEAM_SUBTEST(deeper)
{
    seam_run(t, "leaf", leaf, NULL);
}

SEAM_SUBTEST(deep)
{
    seam_run(t, "deeper", deeper, NULL);
    seam_log(t, "behind the subtest");
}

SEAM_TEST(TestTree)
{
    seam_run(t, "good one", good, NULL);
    seam_run(t, "good one", empty, NULL);
    seam_run(t, "", empty, NULL);
    seam_run(t, "skips", skips, NULL);
    seam_run(t, "bad", bad, NULL);
    seam_run(t, "deep", deep, NULL);
    seam_log(t, "behind all");
}

SEAM_SUBTEST(prints)
{
    puts("printed below");
}

SEAM_SUBTEST(one)
{
    seam_run(t, "leaf", prints, NULL);
}

SEAM_TEST(TestGoodTree)
{
    seam_run(t, "one", one, NULL);
    seam_run(t, "two", empty, NULL);
}

static void last(void *t)
{
    seam_log(t, "last");
}

static void first(void *t)
{
    seam_log(t, "first");
}

SEAM_TEST(TestCleanup)
{
    seam_cleanup(t, last, t);
    seam_cleanup(t, first, t);
    seam_log(t, "body");
}

SEAM_TEST(TestAttr)
{
    seam_attr(t, "ticket", "4711");
}

SEAM_SUBTEST(waits)
{
    seam_parallel(t);
    seam_log(t, "goes on");
}

SEAM_TEST(TestParallel)
{
    seam_run(t, "waits", waits, NULL);
    seam_log(t, "the parent has returned");
}
