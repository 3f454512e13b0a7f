/* service/tar_test.c - archives: what is written is read again, by us and by tar, and what a .dockerignore names is
 * not there. */

#include "service/tar.h"

#include <seam/seam.h>
#include <seam/spawn.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/tar_state.h"

enum { ROOM = 1 << 20 };

/* All members as "kind path size" lines. */
static const char *list(seam_t *t, const struct buf *tar)
{
    struct tar_member member;
    const char *text = "";
    size_t at = 0;
    int r;

    while ((r = tar_next(tar, &at, &member)) > 0)
        text = seam_format(t, "%s%c %s %zu\n", text, member.kind, member.path, member.size);
    return r == 0 ? text : seam_format(t, "%serror %d\n", text, r);
}

/* The same archive as the program tar lists it. */
static const char *list_by_tar(seam_t *t, const struct buf *tar)
{
    const char *path = seam_path(t, "%s/a.tar", seam_tempdir(t));
    seam_process *program;

    seam_write_file(t, path, tar->data, tar->size);
    program = seam_spawn(t, .argv = { "tar", "-tvf", path }, .env = { "TZ=UTC" });
    seam_check_eq(t, seam_process_wait(program, 10000), 0);
    return seam_process_output(program);
}

static void free_buf(void *buf)
{
    buf_fini(buf);
}

static struct buf *new_tar(seam_t *t)
{
    struct buf *tar = seam_alloc(t, sizeof *tar);

    *tar = BUF_INIT(ROOM);
    seam_cleanup(t, free_buf, tar);
    return tar;
}

SEAM_TEST(tar_is_read_by_tar)
{
    struct buf *tar = new_tar(t);

    seam_require_ok(t, tar_add_folder(tar, "/etc", 0755));
    seam_require_ok(t, tar_add(tar, "/etc/app.conf", 0640, "hello", 5));
    seam_require_ok(t, tar_put(tar, "etc/link", '2', 0777, "app.conf", NULL, 0));
    tar_end(tar);
    seam_check_eq(t, list_by_tar(t, tar),
                  "drwxr-xr-x 0/0               0 1970-01-01 00:00 etc/\n"
                  "-rw-r----- 0/0               5 1970-01-01 00:00 etc/app.conf\n"
                  "lrwxrwxrwx 0/0               0 1970-01-01 00:00 etc/link -> app.conf\n");
    seam_check_eq(t, list(t, tar), "5 etc/ 0\n0 etc/app.conf 5\n2 etc/link 0\n");
}

/* A path of so many bytes, in folders of nine. */
static const char *long_path(seam_t *t, size_t size, const char *folder)
{
    char *path = seam_alloc(t, size + 1);

    for (size_t i = 0; i < size; i++)
        path[i] = folder[i % strlen(folder)];
    if (path[size - 1] == '/')
        path[size - 1] = 'x';
    return path;
}

/* Around the sizes at which a path is split and no longer fits. */
SEAM_TEST(tar_keeps_long_paths)
{
    static const size_t sizes[] = {
        99, 100, 101, 102, 154, 155, 156, 255, 256, 257, 300, 1000
    };

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int flat = 0; flat < 2; flat++) {
            const char *path = long_path(t, sizes[i], flat ? "abcdefghi" : "abcdefgh/");
            struct buf *tar = new_tar(t);
            struct tar_member member;
            size_t at = 0;

            seam_require_ok(t, tar_add(tar, path, 0644, "x", 1));
            tar_end(tar);
            seam_require_eq(t, tar_next(tar, &at, &member), 1);
            seam_check_eq(t, member.path, path);
            seam_check_mem(t, member.data, member.size, "x", 1);
            seam_check_eq(t, tar_next(tar, &at, &member), 0);
            if (sizes[i] < 256)
                seam_check(t, strstr(list_by_tar(t, tar), path) != NULL);
        }
}

SEAM_TEST(tar_that_is_broken_is_refused)
{
    struct buf *tar = new_tar(t);
    struct tar_member member;
    size_t at;

    seam_require_ok(t, tar_add(tar, "file", 0644, "some words", 10));
    tar_end(tar);
    for (size_t cut = 1; cut < 1024; cut += 100) {
        struct buf part = { .data = tar->data, .size = cut };

        at = 0;
        seam_check_eq(t, tar_next(&part, &at, &member), cut < 522 ? -EPROTO : 1);
    }
    tar->data[0] = 'g';
    at = 0;
    seam_check_eq(t, tar_next(tar, &at, &member), -EPROTO);
}

SEAM_TEST(tar_takes_a_tree)
{
    const char *from = seam_path(t, "%s/from", seam_tempdir(t));
    struct buf *tar = new_tar(t), *again = new_tar(t);
    struct err err = { "" };

    seam_require_ok(t, mkdir(from, 0755));
    seam_require_ok(t, mkdir(seam_path(t, "%s/b", from), 0700));
    seam_write_file(t, seam_path(t, "%s/b/two", from), "22", 2);
    seam_write_file(t, seam_path(t, "%s/a", from), "1", 1);
    seam_require_ok(t, symlink("a", seam_path(t, "%s/c", from)));
    seam_require_ok(t, tar_add_tree(tar, from, "", NULL, &err));
    seam_require_ok(t, tar_add_tree(again, from, "", NULL, &err));
    seam_check_eq(t, list(t, tar), "0 a 1\n5 b/ 0\n0 b/two 2\n2 c 0\n");
    seam_check_mem(t, again->data, again->size, tar->data, tar->size);
}

SEAM_TEST(tar_names_the_file_that_is_missing)
{
    struct buf *tar = new_tar(t);
    struct err err = { "" };

    seam_check_eq(t, tar_add_tree(tar, "/no/such/file", "x", NULL, &err), -ENOENT);
    seam_check_eq(t, err.text, "cannot copy '/no/such/file': No such file or directory");
}

SEAM_TEST(tar_says_when_a_tree_is_too_large)
{
    const char *from = seam_path(t, "%s/large", seam_tempdir(t));
    struct buf *tar = new_tar(t);
    struct err err = { "" };

    seam_write_file(t, from, seam_alloc(t, ROOM), ROOM);
    seam_check_eq(t, tar_add_tree(tar, from, "x", NULL, &err), -ENOBUFS);
    seam_check_eq(
        t, err.text,
        seam_format(t,
                    "cannot pack '%s': all files together have more than 1 MB; try: name "
                    "what is not needed in .dockerignore",
                    from));
}

/* ---- .dockerignore */

SEAM_TEST(dockerignore_lines)
{
    static const struct {
        const char *ignore, *path;
        bool want;
    } rows[] = {
        { "", "a", false },
        { "a", "a", true },
        { "a", "a/b/c", true },
        { "a", "ab", false },
        { "a", "b/a", false },
        { "/a/", "a", true },
        { "./a", "a", true },
        { "  a  \r", "a", true },
        { "# a\na b", "a b", true },
        { "#a", "#a", false },
        { "*", "a/b", true },
        { "*.md", "README.md", true },
        { "*.md", "docs/x.md", false },
        { "*/*.md", "docs/x.md", true },
        { "**/*.md", "x.md", true },
        { "**/*.md", "a/b/x.md", true },
        { "**/b", "ab", false },
        { "**/b", "a/b/c", true },
        { "a/**", "a/b/c", true },
        { "a/**", "a", false },
        { "a/**/d", "a/d", true },
        { "a/**/d", "a/b/c/d", true },
        { "a/**/d", "a/b/c/e", false },
        { "**.o", "a/b.o", true },
        { "temp?", "temps", true },
        { "temp?", "temp/", false },
        { "[a-c]x", "bx", true },
        { "[^a-c]x", "bx", false },
        { "a\\*", "a*", true },
        { "a\\*", "ab", false },
        { "*.md\n!README.md", "README.md", false },
        { "*.md\n!README.md", "x.md", true },
        { "*.md\n!README*\nREADME-secret.md", "README-secret.md", true },
        { "!a\na", "a", true },
        { "************a**/b**/c**/d**/e*f", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/g",
          false },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        seam_check_eq(t, tar_ignores(rows[i].ignore, rows[i].path), rows[i].want);
        if (tar_ignores(rows[i].ignore, rows[i].path) != rows[i].want)
            seam_log(t, "'%s' of '%s'", rows[i].path, rows[i].ignore);
    }
}

SEAM_TEST(dockerignore_leaves_out_of_a_tree)
{
    const char *from = seam_path(t, "%s/from", seam_tempdir(t));
    struct buf *tar = new_tar(t);
    struct err err = { "" };

    seam_require_ok(t, mkdir(from, 0755));
    seam_require_ok(t, mkdir(seam_path(t, "%s/out", from), 0755));
    seam_write_file(t, seam_path(t, "%s/out/kept", from), "1", 1);
    seam_write_file(t, seam_path(t, "%s/out/gone", from), "1", 1);
    seam_write_file(t, seam_path(t, "%s/in", from), "1", 1);
    seam_require_ok(t, tar_add_tree(tar, from, "", "out\n!out/kept\n", &err));
    seam_check_eq(t, list(t, tar), "0 in 1\n0 out/kept 1\n");
}
