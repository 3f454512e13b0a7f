/* service/identity.c - who a server runs as; see identity.h. */

#include "service/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534 };

/* Filled once, before any fork that uses it: a child may only make system calls. */
static struct {
    pthread_once_t once;
    uid_t uid; /* nobody's */
    gid_t gid;
    bool has_name; /* whether our own id has a passwd entry */
    char uid_map[48], gid_map[48]; /* of a namespace that shows our ids as nobody's */
    int nobody_result; /* 0, or what becoming nobody came to */
    int mapped_result;
} known = { .once = PTHREAD_ONCE_INIT };

static int write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int r = 0;

    if (fd < 0)
        return -errno;
    if (write(fd, text, strlen(text)) < 0)
        r = -errno;
    close(fd);
    return r;
}

static int become_nobody(void)
{
    if (setgroups(0, NULL) < 0 || setgid(known.gid) < 0 || setuid(known.uid) < 0)
        return -errno;
    return 0;
}

static int become_mapped(void)
{
    int r;

    if (unshare(CLONE_NEWUSER) < 0)
        return -errno;
    r = write_text("/proc/self/setgroups", "deny");
    if (r == 0)
        r = write_text("/proc/self/gid_map", known.gid_map);
    if (r == 0)
        r = write_text("/proc/self/uid_map", known.uid_map);
    return r;
}

int identity_become(enum identity identity)
{
    switch (identity) {
    case IDENTITY_NOBODY:
        return become_nobody();
    case IDENTITY_MAPPED:
        return become_mapped();
    case IDENTITY_SELF:
        break;
    }
    return 0;
}

/* Whether it works is seen by trying, in a child. */
static int probe(enum identity identity)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        _exit(-identity_become(identity));
    if (pid < 0)
        return -errno;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

static void find_out(void)
{
    struct passwd *nobody = getpwnam("nobody");

    known.uid = nobody ? nobody->pw_uid : NOBODY;
    known.gid = nobody ? nobody->pw_gid : NOBODY;
    known.has_name = getpwuid(geteuid()) != NULL;
    snprintf(known.uid_map, sizeof known.uid_map, "%u %u 1", (unsigned)known.uid,
             (unsigned)geteuid());
    snprintf(known.gid_map, sizeof known.gid_map, "%u %u 1", (unsigned)known.gid,
             (unsigned)getegid());
    known.nobody_result = geteuid() == 0 ? probe(IDENTITY_NOBODY) : -EPERM;
    if (known.nobody_result < 0 && (geteuid() == 0 || !known.has_name))
        known.mapped_result = probe(IDENTITY_MAPPED);
}

static int choose(enum identity *ret, bool needs_name, struct err *err)
{
    bool root = geteuid() == 0;

    pthread_once(&known.once, find_out);
    if (!root && (known.has_name || !needs_name))
        *ret = IDENTITY_SELF;
    else if (known.nobody_result == 0)
        *ret = IDENTITY_NOBODY;
    else if (known.mapped_result == 0)
        *ret = IDENTITY_MAPPED;
    else if (root)
        return err_set(
            err, -EPERM,
            "it refuses to run as root, becoming 'nobody' was refused (%s), and so was a user "
            "namespace (%s)",
            strerror(-known.nobody_result), strerror(-known.mapped_result));
    else
        return err_set(
            err, -EPERM,
            "user id %u has no name in /etc/passwd, and a user namespace was refused (%s)",
            (unsigned)geteuid(), strerror(-known.mapped_result));
    return 0;
}

int identity_choose(enum identity *ret, struct err *err)
{
    return choose(ret, false, err);
}

int identity_choose_named(enum identity *ret, struct err *err)
{
    return choose(ret, true, err);
}

struct image_owner identity_owner(enum identity identity)
{
    if (identity != IDENTITY_NOBODY)
        return IMAGE_OWNER_SELF;
    return (struct image_owner){ known.uid, known.gid };
}
