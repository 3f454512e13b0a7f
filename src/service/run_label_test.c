/* service/run_label_test.c - whose containers are cleaned up, and whose are left alone. */

#include "service/run_label.h"

#include <seam/seam.h>

#include <string.h>
#include <unistd.h>

#include "service/clean.h"

static const char *value_of(const char *label)
{
    return strchr(label, '=') + 1;
}

/* The label with one of its parts changed; 0 is the run's id. */
static const char *changed(seam_t *t, const char *label, int part)
{
    char *copy = (char *)seam_format(t, "%s", value_of(label)), *at = copy;

    for (; part > 0; part--)
        at = strchr(at, '.') + 1;
    *at = *at == 'a' ? 'b' : 'a';
    return copy;
}

SEAM_TEST(label_is_the_same_each_time_and_names_the_run)
{
    char first[RUN_LABEL_MAX], second[RUN_LABEL_MAX];

    seam_check_str(t, run_label("abcdefgh", 0, first), run_label("abcdefgh", 0, second));
    seam_check_match(t, first,
                     "^seam\\.run=abcdefgh\\.[0-9a-f]{8}\\.[0-9a-f]{8}\\.[0-9a-f]{8}$");
}

SEAM_TEST(label_of_a_run_is_dead_when_nobody_holds_its_lock)
{
    struct clean_dirs dirs;
    char label[RUN_LABEL_MAX];

    seam_setenv(t, "TMPDIR", seam_tempdir(t));
    seam_require_eq(t, clean_make_dirs(&dirs, NULL), 0);
    run_label(dirs.run, 0, label);
    seam_check(t, !run_label_is_dead(value_of(label)));
    seam_check(t, run_label_is_dead(changed(t, label, 0)));
    close(dirs.lock_disk);
    if (dirs.lock_memory >= 0)
        close(dirs.lock_memory);
    seam_check(t, run_label_is_dead(value_of(label)));
    clean_run(&dirs, NULL, 0, NULL);
    seam_check(t, run_label_is_dead(value_of(label)));
}

SEAM_TEST(label_of_each_keeper_is_another)
{
    char first[RUN_LABEL_MAX], second[RUN_LABEL_MAX];

    run_label("gone0000", 0, first);
    run_label("gone0000", 1, second);
    seam_check_str(t, second, seam_format(t, "%s.1", first));
    seam_check(t, run_label_is_dead(value_of(second)));
}

SEAM_TEST(label_of_another_machine_or_place_is_never_dead)
{
    char label[RUN_LABEL_MAX];

    run_label("gone0000", 0, label);
    seam_require(t, run_label_is_dead(value_of(label)));
    seam_check(t, !run_label_is_dead(changed(t, label, 1)));
    seam_check(t, !run_label_is_dead(changed(t, label, 2)));
}

SEAM_TEST(label_from_before_the_machine_was_started_is_dead)
{
    struct clean_dirs dirs;
    char label[RUN_LABEL_MAX];

    seam_setenv(t, "TMPDIR", seam_tempdir(t));
    seam_require_eq(t, clean_make_dirs(&dirs, NULL), 0);
    run_label(dirs.run, 0, label);
    seam_check(t, run_label_is_dead(changed(t, label, 3)));
    close(dirs.lock_disk);
    if (dirs.lock_memory >= 0)
        close(dirs.lock_memory);
    clean_run(&dirs, NULL, 0, NULL);
}

SEAM_TEST(label_that_is_none_of_ours_is_left_alone)
{
    static const char *const values[] = { "",
                                          "x",
                                          "abcdefgh",
                                          "abcdefgh.1.2",
                                          "engine-test-17",
                                          "ABCDEFGH.00000000.00000000.00000000" };

    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        seam_check(t, !run_label_is_dead(values[i]));
}
