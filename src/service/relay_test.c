/* service/relay_test.c - what comes to one address reaches the other, both ways, to the end of each. */

#include "service/relay.h"

#include <seam/seam.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "service/probe.h"

static int listen_here(seam_t *t, int *ret_port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    seam_require_eq(t, bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    seam_require_eq(t, listen(fd, 8), 0);
    seam_require_eq(t, getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

static int connect_by(seam_t *t, const char *address, int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    inet_pton(AF_INET, address, &at.sin_addr);
    seam_require_eq(t, connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

/* Whether no more descriptors are open than so many. */
static bool has_closed(void *arg)
{
    DIR *entries = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(entries))
        count++;
    closedir(entries);
    if (*(int *)arg == 0)
        *(int *)arg = count;
    return count <= *(int *)arg;
}

SEAM_TEST(relay_passes_both_directions_to_their_ends)
{
    struct relay *relay;
    int port, listener = listen_here(t, &port), client, server, open_at_first = 0;
    char got[16] = "";

    has_closed(&open_at_first);
    seam_require_eq(t, relay_start("127.0.0.2", port, &relay, NULL), 0);
    client = connect_by(t, "127.0.0.2", port);
    server = accept(listener, NULL, NULL);
    seam_check_eq(t, send(client, "question", 8, 0), 8);
    shutdown(client, SHUT_WR);
    seam_check_eq(t, recv(server, got, 9, MSG_WAITALL), 8); /* and the end */
    seam_check_str(t, got, "question");
    seam_check_eq(t, send(server, "answer", 6, 0), 6);
    close(server);
    memset(got, 0, sizeof got);
    seam_check_eq(t, recv(client, got, 7, MSG_WAITALL), 6);
    seam_check_str(t, got, "answer");
    close(client);
    relay_stop(relay);
    seam_require_eventually(t, 5000, has_closed, &open_at_first);
    close(listener);
}

SEAM_TEST(relay_closes_when_nobody_listens)
{
    struct relay *relay;
    int port, listener = listen_here(t, &port), client;
    char got;

    seam_require_eq(t, relay_start("127.0.0.2", port, &relay, NULL), 0);
    close(listener);
    client = connect_by(t, "127.0.0.2", port);
    seam_check_eq(t, recv(client, &got, 1, 0), 0);
    close(client);
    relay_stop(relay);
    seam_check_lt(t, probe_connect("127.0.0.2", port, 1000, NULL), 0);
}

SEAM_TEST(relay_says_what_it_cannot)
{
    struct relay *relay;
    struct err err = { "" };

    seam_check_eq(t, relay_start("192.0.2.77", 1, &relay, &err), -EADDRNOTAVAIL);
    seam_check_str(t, err.text,
                   "cannot lead 192.0.2.77:1 to 127.0.0.1: Cannot assign requested address");
}
