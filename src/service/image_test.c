/* service/image_test.c - a folder comes out of its image as it went in. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources ../base/*.c ../lease/image_lock.c ../net/tls_certificate.c ../net/tls_error.c modules/*.c
//seam:pkg-config libpq
//seam:pkg-config hiredis
//seam:pkg-config libcurl
//seam:pkg-config libpcre2-8
//seam:pkg-config librabbitmq

#include "service/image.h"

#include <seam/seam.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_text(seam_t *t, const char *path, const char *text)
{
    seam_write_file(t, path, text, strlen(text));
}

/* A folder with the kinds of file that matter. Returns its path. */
static const char *make_folder(seam_t *t)
{
    static char zeros[3 * 4096];
    const char *folder = seam_path(t, "%s/from", seam_tempdir(t));

    seam_require_ok(t, mkdir(folder, 0700));
    seam_require_ok(t, mkdir(seam_path(t, "%s/base", folder), 0750));
    seam_require_ok(t, mkdir(seam_path(t, "%s/base/1", folder), 0700));
    write_text(t, seam_path(t, "%s/base/1/file", folder), "contents");
    write_text(t, seam_path(t, "%s/empty", folder), "");
    zeros[5] = 'x';
    seam_write_file(t, seam_path(t, "%s/zeros", folder), zeros, sizeof zeros);
    return folder;
}

static struct image *pack(seam_t *t, const char *folder)
{
    const char *file = seam_path(t, "%s/image", seam_tempdir(t));
    struct image *image = NULL;
    struct err err = { "" };

    if (image_pack(folder, file, &err) < 0 || image_open(file, &image, &err) < 0)
        seam_fatal(t, "%s", err.text);
    return image;
}

static void compare(seam_t *t, const char *from, const char *to, const char *name)
{
    size_t got_size, want_size;
    const char *got = seam_read_file(t, seam_path(t, "%s/%s", to, name), &got_size);
    const char *want = seam_read_file(t, seam_path(t, "%s/%s", from, name), &want_size);

    seam_check_mem(t, got, got_size, want, want_size);
}

SEAM_TEST(image_gives_back_what_it_was_given)
{
    const char *from = make_folder(t), *to = seam_path(t, "%s/to", seam_tempdir(t));
    struct image *image = pack(t, from);
    struct stat st;

    for (int threads = 1; threads <= 3; threads++) {
        mkdir(to, 0700);
        seam_check_ok(t, image_unpack(image, to, IMAGE_OWNER_SELF, threads, NULL));
        compare(t, from, to, "base/1/file");
        compare(t, from, to, "empty");
        compare(t, from, to, "zeros");
        seam_check_ok(t, stat(seam_path(t, "%s/base", to), &st));
        seam_check_eq(t, st.st_mode & 0777, 0750);
    }
    seam_check_eq(t, image_size(image), 2 * 4096); /* the zero pages are not in it */
    image_free(image);
}

SEAM_TEST(image_that_was_cut_short_is_refused)
{
    const char *file = seam_path(t, "%s/image", seam_tempdir(t));
    struct image *image;
    struct err err;

    image_free(pack(t, make_folder(t)));
    seam_require_ok(t, truncate(file, 5000));
    seam_check_eq(t, image_open(file, &image, &err), -EBADMSG);
    seam_require_ok(t, truncate(file, 3));
    seam_check_eq(t, image_open(file, &image, &err), -EBADMSG);
    seam_check_contains(t, err.text, file);
    seam_check_eq(t, image_open("/nowhere/image", &image, &err), -ENOENT);
}

SEAM_TEST(image_says_which_file_it_cannot_write)
{
    const char *to = seam_path(t, "%s/to", seam_tempdir(t));
    struct image *image = pack(t, make_folder(t));
    struct err err;

    mkdir(to, 0700);
    mkdir(seam_path(t, "%s/empty", to), 0700); /* in the way */
    seam_check_eq(t, image_unpack(image, to, IMAGE_OWNER_SELF, 1, &err), -EISDIR);
    seam_check_contains(t, err.text, "/to/empty");
    image_free(image);
}

SEAM_TEST(image_of_a_link_is_refused)
{
    const char *folder = make_folder(t);
    struct err err;

    seam_require_ok(t, symlink("/etc/passwd", seam_path(t, "%s/link", folder)));
    seam_check_eq(t, image_pack(folder, seam_path(t, "%s/i", seam_tempdir(t)), &err), -EINVAL);
    seam_check_contains(t, err.text, "link");
}
