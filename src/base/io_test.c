/* base/io_test.c - files, trees and descriptors that go over a socket. */

#include "base/io.h"

#include <seam/seam.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool exists(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0;
}

/* ---- files ------------------------------------------------------------------------------- */

SEAM_TEST(io_reads_up_to_the_cap)
{
    const char *path = seam_path(t, "%s/file", seam_tempdir(t));
    struct buf exact = BUF_INIT(6);
    struct buf tight = BUF_INIT(5);
    struct buf behind = BUF_INIT(100);

    seam_check_ok(t, io_write_file(path, "abc\0de", 6));
    seam_check_ok(t, io_read_file(path, &exact));
    seam_check_mem(t, exact.data, exact.size, "abc\0de", 6);
    seam_check_eq(t, io_read_file(path, &tight), -ENOBUFS);
    buf_add_text(&behind, "<");
    seam_check_ok(t, io_read_file(path, &behind));
    seam_check_mem(t, behind.data, behind.size, "<abc\0de", 7);
    seam_check_eq(t, io_read_file("/no/such/file", &behind), -ENOENT);
    seam_check_eq(t, io_read_file("/", &behind), -EISDIR);
    buf_fini(&exact);
    buf_fini(&tight);
    buf_fini(&behind);
}

SEAM_TEST(io_reads_files_without_a_size)
{
    struct buf status = BUF_INIT(1 << 20);

    seam_check_ok(t, io_read_file("/proc/self/status", &status));
    seam_check_contains(t, buf_text(&status), "TracerPid:");
    buf_fini(&status);
}

SEAM_TEST(io_reads_what_is_larger_than_one_read)
{
    enum { SIZE = 200000 };
    const char *path = seam_path(t, "%s/file", seam_tempdir(t));
    char *bytes = seam_alloc(t, SIZE);
    struct buf back = BUF_INIT(1 << 20);

    for (int i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 7);
    seam_check_ok(t, io_write_file(path, bytes, SIZE));
    seam_check_ok(t, io_read_file(path, &back));
    seam_check_mem(t, back.data, back.size, bytes, SIZE);
    buf_fini(&back);
}

SEAM_TEST(io_replaces_a_file_in_one_step)
{
    const char *folder = seam_tempdir(t);
    const char *path = seam_path(t, "%s/file", folder);
    struct buf held = BUF_INIT(100);
    int fd;

    seam_check_ok(t, io_write_file(path, "old", 3));
    fd = open(path, O_RDONLY | O_CLOEXEC);
    seam_check_ok(t, io_write_file(path, "new", 3));
    seam_check_eq(t, read(fd, buf_reserve(&held, 10), 10), 3);
    seam_check_mem(t, held.data, 3, "old", 3);
    seam_check_eq(t, seam_read_file(t, path, NULL), "new");
    seam_check_eq(t, io_write_file("/no/such/file", "x", 1), -ENOENT);
    seam_require_ok(t, mkdir(seam_path(t, "%s/folder", folder), 0700));
    seam_check_eq(t, io_write_file(seam_path(t, "%s/folder", folder), "x", 1), -EISDIR);
    unlink(path);
    seam_check_ok(t, rmdir(seam_path(t, "%s/folder", folder)));
    seam_check_ok(t, rmdir(folder)); /* nothing else was left there */
    seam_check_ok(t, mkdir(folder, 0700));
    close(fd);
    buf_fini(&held);
}

SEAM_TEST(io_compares_times)
{
    const char *older = seam_path(t, "%s/older", seam_tempdir(t));
    const char *newer = seam_path(t, "%s/newer", seam_tempdir(t));
    struct timespec times[] = { { 1000, 5 }, { 1000, 5 } };

    io_write_file(older, "", 0);
    io_write_file(newer, "", 0);
    utimensat(AT_FDCWD, older, times, 0);
    times[1].tv_nsec = 6;
    utimensat(AT_FDCWD, newer, times, 0);
    seam_check(t, io_is_newer(newer, older));
    seam_check(t, !io_is_newer(older, newer));
    seam_check(t, io_is_newer(older, older));
    seam_check(t, !io_is_newer(older, "/no/such/file"));
    seam_check(t, !io_is_newer("/no/such/file", older));
}

SEAM_TEST(io_makes_the_folders_above_too)
{
    const char *deep = seam_path(t, "%s/a/b/c", seam_tempdir(t));

    seam_check_ok(t, io_make_folders(deep, 0700));
    seam_check_ok(t, io_make_folders(deep, 0700));
    seam_check(t, exists(deep));
    seam_write_file(t, seam_path(t, "%s/file", deep), "", 0);
    seam_check_eq(t, io_make_folders(seam_path(t, "%s/file/x", deep), 0700), -ENOTDIR);
    seam_check_eq(t, io_make_folders(seam_format(t, "/%5000d", 1), 0700), -ENAMETOOLONG);
}

SEAM_TEST(io_writes_all_to_a_full_pipe)
{
    enum { SIZE = 1 << 20 };
    char *bytes = seam_alloc(t, SIZE);
    int ends[2], status = -1;
    pid_t pid;

    seam_require_eq(t, pipe2(ends, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        fcntl(ends[1], F_SETFL, O_NONBLOCK);
        _exit(io_write_all(ends[1], bytes, SIZE) == 0 ? 0 : 1);
    }
    close(ends[1]);
    for (size_t size = 0; size < SIZE;) {
        ssize_t n = read(ends[0], bytes, 5000);

        seam_require_lt(t, 0, n);
        size += (size_t)n;
    }
    seam_check_eq(t, waitpid(pid, &status, 0), pid);
    seam_check_eq(t, status, 0);
    close(ends[0]);
}

/* ---- trees ------------------------------------------------------------------------------- */

SEAM_TEST(io_removes_a_tree_and_no_more)
{
    const char *folder = seam_tempdir(t);
    const char *tree = seam_path(t, "%s/tree", folder);
    const char *kept = seam_path(t, "%s/kept", folder);
    const char *inside = seam_path(t, "%s/inside", kept);

    io_make_folders(kept, 0700);
    io_make_folders(seam_path(t, "%s/a/b", tree), 0700);
    io_write_file(inside, "", 0);
    io_write_file(seam_path(t, "%s/a/file", tree), "", 0);
    seam_check_ok(t, symlink(kept, seam_path(t, "%s/a/link", tree)));
    seam_check_ok(t, symlink("/no/such", seam_path(t, "%s/a/b/broken", tree)));
    seam_check_ok(t, mkfifo(seam_path(t, "%s/a/fifo", tree), 0600));
    seam_check_ok(t, io_remove_tree(tree, NULL));
    seam_check(t, !exists(tree));
    seam_check(t, exists(inside));
    seam_check_ok(t, io_remove_tree(tree, NULL)); /* what is not there is removed */
}

SEAM_TEST(io_removes_links_not_what_they_name)
{
    const char *folder = seam_tempdir(t);
    const char *kept = seam_path(t, "%s/kept", folder);
    const char *link = seam_path(t, "%s/link", folder);

    io_make_folders(kept, 0700);
    seam_check_ok(t, symlink(kept, link));
    seam_check_ok(t, io_remove_tree(link, NULL));
    seam_check(t, !exists(link));
    seam_check(t, exists(kept));
}

/* Rights do not hold root back, so it becomes somebody else for a while. */
static void become_nobody(seam_t *t, const char *folder)
{
    if (geteuid() != 0)
        return;
    seam_require_ok(t, chmod(folder, 0777));
    if (seteuid(65534) < 0)
        seam_skip(t, "root here cannot become another user");
}

static void become_root_again(void *arg)
{
    if (getuid() == 0)
        seam_check_ok((seam_t *)arg, seteuid(0));
}

SEAM_TEST(io_removes_folders_without_rights)
{
    struct err err = { "" };

    seam_chdir(t, seam_tempdir(t)); /* what lies above may be closed to nobody */
    seam_cleanup(t, become_root_again, t);
    become_nobody(t, ".");
    seam_require_ok(t, io_make_folders("top/unreadable/deep", 0700));
    seam_require_ok(t, io_make_folders("top/unwritable/deep", 0700));
    seam_check_ok(t, chmod("top/unreadable", 0000));
    seam_check_ok(t, chmod("top/unwritable", 0500));
    seam_check_ok(t, io_remove_tree("top", &err));
    seam_check_eq(t, err.text, "");
    seam_check(t, !exists("top"));
}

SEAM_TEST(io_names_what_it_cannot_remove)
{
    struct err err;

    seam_check_lt(t, io_remove_tree("/proc/self/status", &err), 0);
    seam_check_contains(t, err.text, "cannot remove '/proc/self/status': ");
}

/* ---- descriptors ------------------------------------------------------------------------- */

static size_t count_fds(void)
{
    size_t count = 0;

    for (int fd = 0; fd < 100; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

SEAM_TEST(io_passes_descriptors)
{
    seam_file file = seam_tempfile(t, "passed");
    int sent[] = { file.fd, STDIN_FILENO }, got[4] = { -1, -1, -1, -1 };
    size_t count = 4;
    char words[8] = "";
    int ends[2];

    seam_require_eq(t, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    seam_check_eq(t, io_send_fds(ends[0], "hello", 5, sent, 2), 5);
    seam_check_eq(t, io_receive_fds(ends[1], words, sizeof words, got, &count), 5);
    seam_check_eq(t, words, "hello");
    seam_require_eq(t, count, 2);
    seam_check_eq(t, fcntl(got[0], F_GETFD), FD_CLOEXEC);
    seam_check_eq(t, write(got[0], "here", 4), 4);
    seam_check_eq(t, seam_read_file(t, file.path, NULL), "here");
    close(got[0]);
    close(got[1]);
    close(ends[0]);
    seam_check_eq(t, io_receive_fds(ends[1], words, sizeof words, got, &count), 0);
    close(ends[1]);
}

SEAM_TEST(io_closes_descriptors_that_it_has_no_room_for)
{
    int sent[] = { 0, 1, 2 }, got[1] = { -1 };
    size_t before, count = 1;
    char words[8];
    int ends[2];

    seam_require_eq(t, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    before = count_fds();
    seam_check_eq(t, io_send_fds(ends[0], "x", 1, sent, 3), 1);
    seam_check_eq(t, io_receive_fds(ends[1], words, sizeof words, got, &count), 1);
    seam_check_eq(t, count, 1);
    seam_check_eq(t, count_fds(), before + 1);
    io_close(&got[0]);
    seam_check_eq(t, got[0], -1);
    io_close(&got[0]);
    seam_check_eq(t, count_fds(), before);
    seam_check_eq(t, io_send_fds(ends[0], "x", 1, NULL, 0), 1);
    seam_check_eq(t, io_receive_fds(ends[1], words, sizeof words, NULL, &count), 1);
    seam_check_eq(t, count, 0);
    close(ends[0]);
    seam_check_eq(t, io_send_fds(ends[1], "x", 1, NULL, 0), -EPIPE);
    close(ends[1]);
}
