/* link/owner_test.c - whose a port of this machine is, and which addresses are name servers. */

#include "link/owner.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/lent_ports.h"
#include "link/name_server.h"
#include "seam/seam.h"

struct stranger {
    pid_t pid;
    int port;
};

static void end_stranger(void *arg)
{
    struct stranger *stranger = arg;

    kill(stranger->pid, SIGKILL);
    waitpid(stranger->pid, NULL, 0);
}

/* A process without the mark of this run that has a port of 127.0.0.1. */
static int start_stranger(seam_t *t, int type)
{
    struct stranger *stranger = seam_alloc(t, sizeof *stranger);
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    char *const nothing[] = { NULL };
    int fd = socket(AF_INET, type, 0), started[2];
    char end;

    bind(fd, (struct sockaddr *)&at, sizeof at);
    listen(fd, 8);
    getsockname(fd, (struct sockaddr *)&at, &size);
    seam_require_ok(t, pipe2(started, O_CLOEXEC));
    stranger->pid = fork();
    if (stranger->pid == 0) {
        execle("/bin/sleep", "sleep", "60", NULL, nothing);
        _exit(1);
    }
    seam_cleanup(t, end_stranger, stranger);
    close(started[1]);
    seam_check_eq(t, read(started[0], &end, 1), 0);
    close(started[0]);
    close(fd);
    return ntohs(at.sin_port);
}

SEAM_TEST(a_port_of_somebody_else_is_not_ours)
{
    int stream = start_stranger(t, SOCK_STREAM), datagram = start_stranger(t, SOCK_DGRAM);
    char who[100];

    seam_check(t, !owner_is_ours(stream, true));
    seam_check(t, !owner_is_ours(datagram, false));
    owner_describe(stream, who, sizeof who);
    seam_check_match(t, who, "^sleep, pid [0-9]+$");
}

/* As docker-proxy is: it listens for a container and has no marker of the run's. */
SEAM_TEST(a_port_that_the_keeper_has_lent_is_ours)
{
    int stream = start_stranger(t, SOCK_STREAM), other = start_stranger(t, SOCK_STREAM);

    lent_ports_add(stream);
    seam_check(t, owner_is_ours(stream, true));
    seam_check(t, !owner_is_ours(other, true));
    lent_ports_add(0);
    lent_ports_add(65536);
    seam_check(t, !lent_ports_have(0));
    seam_check(t, !lent_ports_have(65536));
}

/* Ports of TCP and UDP are not the same; that one is taken says nothing of the other. */
SEAM_TEST(a_port_of_nobody_is_free_to_ask)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    char who[100];

    bind(fd, (struct sockaddr *)&at, sizeof at);
    getsockname(fd, (struct sockaddr *)&at, &size);
    seam_check(t, owner_is_ours(ntohs(at.sin_port), true));
    owner_describe(ntohs(at.sin_port), who, sizeof who);
    seam_check_eq(t, who, "");
    close(fd);
}

SEAM_TEST(what_is_a_name_server)
{
    static const char text[] = "# of a test\nsearch a.test\nnameserver 192.0.2.53\n"
                               "nameserver fe80::1%eth0 \noptions ndots:2";
    const char *file = seam_path(t, "%s/resolv.conf", seam_tempdir(t));

    seam_write_file(t, file, text, sizeof text - 1);
    seam_check(t, name_server_is_in(file, "192.0.2.53"));
    seam_check(t, name_server_is_in(file, "fe80::1"));
    seam_check(t, !name_server_is_in(file, "192.0.2.5"));
    seam_check(t, !name_server_is_in("/nowhere", "192.0.2.53"));
    seam_check(t, !name_server_is("192.0.2.53", 53));
}
