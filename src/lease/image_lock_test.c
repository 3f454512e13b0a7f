/* lease/image_lock_test.c - the file seam.lock is read and written. */

#include "lease/image_lock.h"

#include <seam/seam.h>

#include <errno.h>
#include <string.h>

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const char *write_lock(seam_t *t, const char *text)
{
    const char *path = seam_path(t, "%s/seam.lock", seam_tempdir(t));

    seam_write_file(t, path, text, strlen(text));
    return path;
}

SEAM_TEST(image_lock_knows_names)
{
    const char *path = write_lock(t, "# a comment\n\nredis:7 " A "\n  team/app\t" B);
    struct buf digest = BUF_INIT(100);

    seam_check_eq(t, image_lock_find(path, "redis:7", &digest, NULL), 1);
    seam_check_str(t, buf_text(&digest), A);
    buf_clear(&digest);
    seam_check_eq(t, image_lock_find(path, "team/app", &digest, NULL), 1);
    seam_check_str(t, buf_text(&digest), B);
    seam_check_eq(t, image_lock_find(path, "redis", &digest, NULL), 0);
    seam_check_eq(t, image_lock_find("/no/such/file", "redis", &digest, NULL), 0);
    buf_fini(&digest);
}

SEAM_TEST(image_lock_names_a_wrong_line)
{
    static const char *const wrong[] = {
        "redis:7", "redis:7 latest", "redis:7 " A " more", "redis:7 sha256:12",
        "redis:7 sha256:Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *path = write_lock(t, seam_format(t, "#\n%s\n", wrong[i]));
        struct buf digest = BUF_INIT(100);
        struct err err = { "" };

        seam_check_eq(t, image_lock_find(path, "redis:7", &digest, &err), -EINVAL);
        seam_check_str(
            t, err.text,
            seam_format(t, "%s:2: a line is 'name sha256:...'; try: seam pull -update", path));
        buf_fini(&digest);
    }
}

SEAM_TEST(image_lock_pins)
{
    static const char *const names[][2] = {
        { "redis", "redis@" A },
        { "redis:7", "redis@" A },
        { "registry:5000/team/app", "registry:5000/team/app@" A },
        { "registry:5000/team/app:1", "registry:5000/team/app@" A },
        { "redis@" B, "redis@" B },
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct buf pinned = BUF_INIT(200);

        seam_check_eq(t, image_lock_pin(names[i][0], A, &pinned), 0);
        seam_check_str(t, buf_text(&pinned), names[i][1]);
        buf_fini(&pinned);
    }
}

SEAM_TEST(image_lock_is_written_in_order)
{
    struct buf text = BUF_INIT(IMAGE_LOCK_MAX);

    seam_check_eq(t, image_lock_set(&text, "redis:7", A), 0);
    seam_check_eq(t, image_lock_set(&text, "app", A), 0);
    seam_check_eq(t, image_lock_set(&text, "zoo:1", A), 0);
    seam_check_eq(t, image_lock_set(&text, "redis:7", B), 0);
    seam_check_str(t, buf_text(&text),
                   "# Written by `seam pull`: what the images are that the tests name.\n"
                   "app " A "\nredis:7 " B "\nzoo:1 " A "\n");
    buf_fini(&text);
}
