/* base/err_test.c - words for a failure, cut where they are too long. */

#include "base/err.h"

#include <seam/seam.h>

#include <errno.h>
#include <string.h>

SEAM_TEST(err_gives_the_code_back)
{
    struct err err;

    seam_check_eq(t, err_set(&err, -EINVAL, "line %d", 7), -EINVAL);
    seam_check_eq(t, err.text, "line 7");
    seam_check_eq(t, err_system(&err, -ENOENT, "cannot open '%s'", "x"), -ENOENT);
    seam_check_eq(t, err.text, "cannot open 'x': No such file or directory");
}

SEAM_TEST(err_may_be_left_out)
{
    seam_check_eq(t, err_set(NULL, -EINVAL, "x"), -EINVAL);
    seam_check_eq(t, err_system(NULL, -EINVAL, "x"), -EINVAL);
}

SEAM_TEST(err_is_cut_to_its_room)
{
    struct err err;

    err_system(&err, -ENOENT, "%5000d", 1);
    seam_check_eq(t, strlen(err.text), sizeof err.text - 1);
}
