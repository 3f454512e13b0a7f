/* base/io.c - descriptors and files; see io.h. */

#include "base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/hostile.h"

enum { IO_FDS = 8 };

int io_write_all(int fd, const void *data, size_t size)
{
    const char *at = data;

    while (size > 0) {
        ssize_t n = write(fd, at, size);

        if (n < 0 && errno == EAGAIN)
            machine.poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
        else if (n < 0 && errno != EINTR)
            return -errno;
        else if (n > 0) {
            at += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

int io_wait(int fd, short events, uint64_t deadline_ns)
{
    struct pollfd wanted = { .fd = fd, .events = events };
    int r;

    do
        r = machine.poll(&wanted, 1, deadline_poll_ms(deadline_ns));
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

int io_read_file(const char *path, struct buf *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int r = 0;

    if (fd < 0)
        return -errno;
    for (;;) {
        char *to =
            buf_reserve(ret, ret->cap - ret->size < 65536 ? ret->cap - ret->size : 65536);
        char one;
        ssize_t n = !to                           ? -1
                    : to && ret->cap == ret->size ? read(fd, &one, 1)
                                                  : read(fd, to, ret->room - ret->size - 1);

        if (!to || (n > 0 && ret->cap == ret->size))
            r = -ENOBUFS;
        else if (n < 0 && errno != EINTR)
            r = -errno;
        else if (n > 0) {
            ret->size += (size_t)n;
            ret->data[ret->size] = '\0';
            continue;
        } else if (n < 0)
            continue;
        break;
    }
    close(fd);
    return r;
}

bool io_file_has(const char *path, const char *words, size_t max)
{
    struct buf text = BUF_INIT(max);
    bool has;

    io_read_file(path, &text); /* of one that cannot be read, nothing is there */
    has = strstr(buf_text(&text), words) != NULL;
    buf_fini(&text);
    return has;
}

int io_write_file(const char *path, const void *data, size_t size)
{
    char temporary[4096];
    int fd, r;

    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
        return -ENAMETOOLONG;
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    r = io_write_all(fd, data, size);
    if (r == 0 && fchmod(fd, 0644) < 0)
        r = -errno;
    close(fd);
    if (r == 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0)
        unlink(temporary);
    return r;
}

bool io_is_newer(const char *path, const char *than)
{
    struct stat a, b;

    if (stat(path, &a) < 0 || stat(than, &b) < 0)
        return false;
    return a.st_mtim.tv_sec > b.st_mtim.tv_sec ||
           (a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec >= b.st_mtim.tv_nsec);
}

int io_make_folders(const char *path, mode_t mode)
{
    char part[4096];

    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part)
        return -ENAMETOOLONG;
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, mode) < 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    return mkdir(part, mode) < 0 && errno != EEXIST ? -errno : 0;
}

void io_expire_files(const char *folder, int seconds)
{
    DIR *entries = io_make_folders(folder, 0700) == 0 ? opendir(folder) : NULL;
    struct dirent *entry;
    struct stat file;

    while (entries && (entry = readdir(entries)))
        if (fstatat(dirfd(entries), entry->d_name, &file, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(file.st_mode) && file.st_mtime + seconds < time(NULL))
            unlinkat(dirfd(entries), entry->d_name, 0);
    if (entries)
        closedir(entries);
}

static int remove_at(int folder, const char *name, struct err *err);

static int remove_entries(int fd, struct err *err)
{
    DIR *entries = fdopendir(fd);
    struct dirent *entry;
    int first = 0;

    if (!entries) {
        close(fd);
        return -ENOMEM;
    }
    while ((entry = readdir(entries))) {
        int r;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        r = remove_at(dirfd(entries), entry->d_name, first ? NULL : err);
        if (first == 0)
            first = r;
    }
    closedir(entries);
    return first;
}

static int remove_at(int folder, const char *name, struct err *err)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd, r = 0;

    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return err_system(err, -errno, "cannot remove '%s'", name);
    fd = openat(folder, name, flags);
    if (fd < 0 && errno == EACCES && fchmodat(folder, name, 0700, 0) == 0)
        fd = openat(folder, name, flags);
    if (fd < 0 && errno == ENOTDIR)
        return err_system(err, -EPERM, "cannot remove '%s'", name);
    if (fd < 0)
        return err_system(err, -errno, "cannot open folder '%s'", name);
    if (faccessat(folder, name, W_OK | X_OK, AT_EACCESS) < 0)
        fchmod(fd, 0700);
    r = remove_entries(fd, err);
    if (unlinkat(folder, name, AT_REMOVEDIR) < 0 && errno != ENOENT && r == 0)
        r = err_system(err, -errno, "cannot remove folder '%s'", name);
    return r;
}

int io_remove_tree(const char *path, struct err *err)
{
    return remove_at(AT_FDCWD, path, err);
}

ssize_t io_send_fds(int socket, const void *data, size_t size, const int *fds, size_t count)
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(IO_FDS * sizeof(int))];
    } control;
    struct iovec part = { (void *)data, size };
    struct msghdr packet = { .msg_iov = &part, .msg_iovlen = 1 };
    ssize_t n;

    if (count > 0) {
        struct cmsghdr *head;

        memset(&control, 0, sizeof control);
        packet.msg_control = control.room;
        packet.msg_controllen = CMSG_SPACE(count * sizeof(int));
        head = CMSG_FIRSTHDR(&packet);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(head), fds, count * sizeof(int));
    }
    do
        n = sendmsg(socket, &packet, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

ssize_t io_receive_fds(int socket, void *data, size_t size, int *fds, size_t *count)
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(IO_FDS * sizeof(int))];
    } control;
    struct iovec part = { data, size };
    struct msghdr packet = { .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.room,
                             .msg_controllen = sizeof control.room };
    size_t room = *count;
    ssize_t n;

    do
        n = recvmsg(socket, &packet, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    *count = 0;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(&packet); head;
         head = CMSG_NXTHDR(&packet, head)) {
        size_t came = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        int fd;

        for (size_t i = 0; head->cmsg_type == SCM_RIGHTS && i < came; i++) {
            memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof fd);
            if (*count < room)
                fds[(*count)++] = fd;
            else
                close(fd);
        }
    }
    return n;
}

void io_say_no_descriptor(int code, struct err *err)
{
    struct rlimit limit;

    if (code != -EMFILE || getrlimit(RLIMIT_NOFILE, &limit) < 0)
        err_system(err, code, "no descriptor is left");
    else if (limit.rlim_cur < limit.rlim_max)
        err_set(
            err, code,
            "this process has all of the %llu descriptors that it may have (RLIMIT_NOFILE)\n"
            "try: ulimit -n %llu",
            (unsigned long long)limit.rlim_cur,
            (unsigned long long)(limit.rlim_max == RLIM_INFINITY ? 65536 : limit.rlim_max));
    else
        err_set(err, code,
                "this process has all of the %llu descriptors that it may have, which is also "
                "the hard limit (RLIMIT_NOFILE)",
                (unsigned long long)limit.rlim_cur);
}

void io_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}
