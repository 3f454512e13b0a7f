/* report/replay_test.c - a log tells what the run told, and a damaged one as much as it has. */

#include "report/replay.h"

#include <seam/seam.h>

#include <errno.h>
#include <string.h>

#include "report/script_test.h"

static const char script[] =
    "note postgres started\n"
    "package a\npackage b\n"
    "in b\ncompiler b.c:1: hm\\n\n"
    "in a\nrun x\nlog x words\nrun x/y\noutput x/y raw\nerror x/y no\nfail x/y 3\n"
    "left x left a thread\nattr x key value\nfail x 4\nfailed 5\n"
    "in b\nrun z\npass z 1\nok 2\nfinish 1\n";

/* Write the log of a run; returns its bytes. */
static char *write_log(seam_t *t, const char *path, const char *events, size_t *ret_size)
{
    struct report *log = report_log(path);
    struct scripted *run;

    seam_require(t, log);
    run = scripted_report(t, log);
    scripted_tell(t, run, events);
    scripted_close(run);
    return seam_read_file(t, path, ret_size);
}

static const char *log_path(seam_t *t)
{
    return seam_path(t, "%s/events", seam_tempdir(t));
}

/* Replay a log and return what the reporter wrote. */
static const char *replay(seam_t *t, const char *path, enum form form, int want,
                          struct err *err)
{
    struct scripted *again = scripted_start(t, form);

    *err = (struct err){ 0 };
    seam_check_eq(t, report_replay(path, again->report, err), want);
    scripted_close(again);
    return scripted_text(t, again);
}

SEAM_SUBTEST(same_again)
{
    const enum form *form = arg;
    struct scripted *first = scripted_start(t, *form);
    const char *path = log_path(t);
    struct err err;

    catch_stderr(t);
    scripted_tell(t, first, script);
    scripted_close(first);
    write_log(t, path, script, NULL);
    seam_check_str(t, replay(t, path, *form, 0, &err), scripted_text(t, first));
}

SEAM_TEST(a_replay_prints_the_same)
{
    static const enum form forms[] = { QUIET, VERBOSE, LIVE, JSON };
    static const char *const names[] = { "quiet", "verbose", "live", "json" };

    for (int i = 0; i < 4; i++)
        seam_run(t, names[i], same_again, &forms[i]);
}

SEAM_TEST(the_log_is_written_when_a_package_ends)
{
    const char *path = log_path(t);
    struct scripted *run = scripted_report(t, report_log(path));
    size_t size, whole;

    scripted_tell(t, run, "package a\nrun x\n");
    seam_read_file(t, path, &size);
    seam_check_eq(t, size, 0);
    scripted_tell(t, run, "pass x 1\nok 1\n");
    seam_read_file(t, path, &size);
    scripted_close(run);
    seam_read_file(t, path, &whole);
    seam_check_eq(t, size, whole);
    seam_check_lt(t, 0, size);
}

SEAM_TEST(a_log_that_cannot_be_opened)
{
    errno = 0;
    seam_check_null(t, report_log(seam_path(t, "%s/no/such/folder", seam_tempdir(t))));
    seam_check_eq(t, errno, ENOENT);
}

SEAM_TEST(a_full_disk_is_said_once)
{
    const char *errors = catch_stderr(t);
    struct scripted *run = scripted_report(t, report_log("/dev/full"));

    scripted_tell(t, run, "package a\nok 1\npackage b\nok 1\n");
    scripted_close(run);
    seam_check_str(
        t, seam_read_file(t, errors, NULL),
        "seam: cannot write the event log '/dev/full': No space left on device; it ends "
        "early\n");
}

/* ---- files that are not what they should be ---------------------------------------------- */

static void refused(seam_t *t, const char *content, size_t size, const char *words)
{
    const char *path = log_path(t);
    struct err err;

    seam_write_file(t, path, content, size);
    seam_check_str(t, replay(t, path, QUIET, -EPROTO, &err), "");
    seam_check_contains(t, err.text, words);
}

SEAM_TEST(other_files_are_refused)
{
    struct err err;

    seam_via(t, refused(t, "", 0, "is no event log of seam"));
    seam_via(t, refused(t, "seam", 4, "is no event log of seam"));
    seam_via(t, refused(t, "ELF and so on, a binary", 23,
                        "is no event log of seam; try: seam test"));
    seam_via(t,
             refused(t, "seam-events-2\nwhatever", 22,
                     "another version of seam (seam-events-2, this one reads seam-events-1)"));
    replay(t, "/nowhere/at/all", QUIET, -ENOENT, &err);
    seam_check_str(t, err.text,
                   "cannot open the event log '/nowhere/at/all': No such file or directory");
    replay(t, "/", QUIET, -EISDIR, &err);
    seam_check_str(t, err.text, "cannot read '/': Is a directory");
}

SEAM_TEST(a_log_that_is_cut_tells_what_it_has)
{
    const char *path = log_path(t);
    size_t size, whole;
    char *bytes = write_log(t, path, "package a\nrun x\nerror x no\n", &whole);
    struct err err;

    bytes = write_log(t, path, "package a\nrun x\nerror x no\nfail x 1\n", &size);
    seam_write_file(t, path, bytes, size - 1);
    seam_check_str(t, replay(t, path, QUIET, -EPROTO, &err),
                   "--- FAIL: x (0.00s)\n"
                   "    x_test.c:41: no\n"
                   "    it has no result: the events end here\n");
    seam_check_str(
        t, err.text,
        seam_format(t, "'%s' is cut off in the event that begins at byte %zu", path, whole));
    seam_write_file(t, path, bytes, size);
    seam_check_contains(t, replay(t, path, QUIET, -EPROTO, &err), "--- FAIL: x (0.00s)\n");
    seam_check_str(
        t, err.text,
        seam_format(t, "'%s' ends at byte %zu, before the end of its run", path, size));
}

SEAM_TEST(a_log_that_is_damaged_tells_where)
{
    const char *path = log_path(t);
    size_t size, before;
    char *bytes;
    struct err err;

    write_log(t, path, "package a\nrun x\n", &before);
    bytes = write_log(t, path, "package a\nrun x\nerror x no\nfail x 1\nfailed 2\nfinish 1\n",
                      &size);
    memset(bytes + before, 0xff, 4);
    seam_write_file(t, path, bytes, size);
    seam_check_str(t, replay(t, path, QUIET, -EPROTO, &err),
                   "--- FAIL: x (0.00s)\n"
                   "    it has no result: the events end here\n");
    seam_check_str(t, err.text,
                   seam_format(t, "'%s' is damaged at byte %zu; what comes behind it is lost",
                               path, before));
}

/* Every cut and many damages: no crash, and never a success. */
SEAM_TEST(no_cut_or_damage_passes_for_a_log)
{
    const char *path = log_path(t);
    size_t size;
    char *bytes = write_log(t, path, script, &size);
    unsigned random = 1;
    struct err err;

    catch_stderr(t);
    for (size_t cut = 0; cut < size; cut += 7) {
        seam_write_file(t, path, bytes, cut);
        replay(t, path, cut % 2 ? VERBOSE : JSON, -EPROTO, &err);
    }
    for (int i = 0; i < 200; i++) {
        char *damaged = seam_alloc(t, size);

        memcpy(damaged, bytes, size);
        for (int j = 0; j < 8; j++) {
            random = random * 1103515245 + 12345;
            damaged[14 + (random >> 8) % (size - 14)] = (char)(random >> 16);
        }
        seam_write_file(t, path, damaged, size);
        report_replay(path, scripted_start(t, i % 2 ? LIVE : JSON)->report, &err);
    }
}
