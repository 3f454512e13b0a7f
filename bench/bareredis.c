/*
 * bench/bareredis.c - how long redis-server takes by itself from exec to PONG.
 *
 *   bareredis FOLDER COUNT    ms of each start, a line each; FOLDER holds the socket
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deadline.h"
#include "seam/attr.h"

enum { START_MS = 10000 };

static pid_t redis;

SEAM_NORETURN static void die(const char *what)
{
    fprintf(stderr, "bareredis: %s: %s\n", what, strerror(errno));
    if (redis > 0)
        kill(redis, SIGKILL);
    exit(1);
}

static void start(const char *folder, const char *path)
{
    redis = fork();
    if (redis < 0)
        die("fork");
    if (redis == 0) {
        int null = open("/dev/null", O_RDWR);

        dup2(null, 1);
        dup2(null, 2);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", path, "--save",
               "", "--appendonly", "no", "--dir", folder, (char *)NULL);
        _exit(127);
    }
}

/* The socket appears in the folder a moment before it listens. */
static int connect_when_there(const char *path, int changes)
{
    uint64_t deadline = deadline_after_ms(START_MS);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char bytes[4096];

    if (fd < 0 || strlen(path) >= sizeof address.sun_path)
        die("socket");
    memcpy(address.sun_path, path, strlen(path) + 1);
    while (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        struct pollfd ready = { .fd = changes, .events = POLLIN };

        if (errno != ENOENT && errno != ECONNREFUSED)
            die("connect");
        if (poll(&ready, 1, errno == ENOENT ? deadline_poll_ms(deadline) : 0) < 0 ||
            now_ns() >= deadline)
            die("redis-server did not listen");
        if (ready.revents && read(changes, bytes, sizeof bytes) < 0)
            die("inotify");
    }
    return fd;
}

static void ping(int fd)
{
    char answer[16];

    if (write(fd, "PING\r\n", 6) != 6 || read(fd, answer, sizeof answer) < 5 ||
        memcmp(answer, "+PONG", 5) != 0)
        die("PING");
}

int main(int argc, char **argv)
{
    int changes = inotify_init1(IN_CLOEXEC);
    char path[4096];

    if (argc != 3 || inotify_add_watch(changes, argv[1], IN_CREATE | IN_ATTRIB) < 0) {
        fputs("usage: bareredis FOLDER COUNT\n", stderr);
        return 2;
    }
    snprintf(path, sizeof path, "%s/redis", argv[1]);
    for (int i = atoi(argv[2]); i > 0; i--) {
        uint64_t begin = now_ns();
        int fd;

        start(argv[1], path);
        fd = connect_when_there(path, changes);
        ping(fd);
        printf("%.4f\n", (double)(now_ns() - begin) / 1e6);
        close(fd);
        kill(redis, SIGKILL);
        waitpid(redis, NULL, 0);
        unlink(path);
    }
    return 0;
}
