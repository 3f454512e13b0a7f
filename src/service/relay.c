/* service/relay.c - a port on another address that leads to 127.0.0.1; see relay.h. */

#include "service/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"

enum { CHUNK = 64 << 10, WAITING = 128 };

struct relay {
    int listener;
    int port;
    pthread_t thread;
};

/* Two ends of one connection. */
struct pair {
    int fds[2];
};

static int open_socket(const char *address, int port, bool listens)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int yes = 1, r = fd < 0 ? -errno : 0;

    if (r == 0 && inet_pton(AF_INET, address, &at.sin_addr) != 1)
        r = -EADDRNOTAVAIL;
    if (r == 0 && listens) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, WAITING) < 0)
            r = -errno;
    } else if (r == 0 && connect(fd, (struct sockaddr *)&at, sizeof at) < 0)
        r = -errno;
    if (r < 0)
        io_close(&fd);
    return r < 0 ? r : fd;
}

/* Pass on what has come; false at the end. */
static bool pass_on(int from, int to, char *room)
{
    ssize_t size = read(from, room, CHUNK);

    for (ssize_t done = 0, n; done < size; done += n) {
        n = send(to, room + done, (size_t)(size - done), MSG_NOSIGNAL);
        if (n < 0)
            return false;
    }
    return size > 0;
}

/* Each direction ends by itself, as connections may. */
static void pump(const struct pair *pair, char *room)
{
    struct pollfd ready[2] = { { .fd = pair->fds[0], .events = POLLIN },
                               { .fd = pair->fds[1], .events = POLLIN } };

    while ((ready[0].fd >= 0 || ready[1].fd >= 0) && poll(ready, 2, -1) > 0)
        for (int i = 0; i < 2; i++)
            if (ready[i].revents && !pass_on(pair->fds[i], pair->fds[1 - i], room)) {
                shutdown(pair->fds[1 - i], SHUT_WR);
                ready[i].fd = -1;
                ready[i].revents = 0;
            }
}

static void *serve_pair(void *arg)
{
    struct pair *pair = arg;
    char *room = malloc(CHUNK);

    if (room)
        pump(pair, room);
    free(room);
    io_close(&pair->fds[0]);
    io_close(&pair->fds[1]);
    free(pair);
    return NULL;
}

static void begin_pair(int client, int port)
{
    struct pair *pair = malloc(sizeof *pair);
    int server = open_socket("127.0.0.1", port, false);
    pthread_t thread;

    if (pair && server >= 0) {
        *pair = (struct pair){ { client, server } };
        if (pthread_create(&thread, NULL, serve_pair, pair) == 0) {
            pthread_detach(thread);
            return;
        }
    }
    free(pair);
    io_close(&client);
    if (server >= 0)
        io_close(&server);
}

static void *accept_all(void *arg)
{
    struct relay *relay = arg;
    int client;

    while ((client = accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0 ||
           errno == EINTR || errno == ECONNABORTED)
        if (client >= 0)
            begin_pair(client, relay->port);
    return NULL;
}

int relay_start(const char *address, int port, struct relay **ret, struct err *err)
{
    struct relay *relay = calloc(1, sizeof *relay);
    int r;

    if (!relay)
        return err_set(err, -ENOMEM, "out of memory");
    relay->port = port;
    r = relay->listener = open_socket(address, port, true);
    if (r >= 0)
        r = -pthread_create(&relay->thread, NULL, accept_all, relay);
    if (r < 0) {
        io_close(&relay->listener);
        free(relay);
        return err_system(err, r, "cannot lead %s:%d to 127.0.0.1", address, port);
    }
    *ret = relay;
    return 0;
}

void relay_stop(struct relay *relay)
{
    if (!relay)
        return;
    shutdown(relay->listener, SHUT_RDWR); /* wakes who accepts */
    pthread_join(relay->thread, NULL);
    io_close(&relay->listener);
    free(relay);
}
