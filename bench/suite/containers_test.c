/*
 * containers_test.c - how long Seam takes until a server in a container answers, and what a lease of a broker costs;
 * run by bench/parts/services.sh.
 *
 * Each test appends milliseconds to a file in the folder that BENCH_FIGURES names.
 */
//seam:build bench
//seam:sources ../figure.c
//seam:cflags -I..

#include <seam/rabbitmq.h>
#include <seam/seam.h>
#include <seam/service.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "figure.h"

enum { STARTS_MAX = 20, LEASES = 12, WARM_UP = 2 };

#define IMAGE "seam-test/redis"

SEAM_TEST(container_redis, .timeout_ms = 600000)
{
    int count = count_of(STARTS_MAX);

    for (int i = 0; i <= count; i++) { /* the first finds the daemon as well */
        double begin = now_us();

        seam_container_start(t, .image = IMAGE, .ports = { 6379 }, .private_server = true,
                             .cmd = { "--save", "", "--appendonly", "no" },
                             .wait = { .probe = SEAM_PROBE_REDIS });
        if (i > 0)
            figure(t, "container.redis", (now_us() - begin) / 1e3);
    }
}

static int free_port(seam_t *t)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    seam_require_ok(t, bind(fd, (struct sockaddr *)&address, size));
    seam_require_ok(t, getsockname(fd, (struct sockaddr *)&address, &size));
    close(fd);
    return ntohs(address.sin_port);
}

SEAM_TEST(host_redis, .timeout_ms = 600000)
{
    int count = count_of(STARTS_MAX);

    for (int i = 0; i <= count; i++) {
        int port = free_port(t);
        const char *number = seam_format(t, "%d", port);
        double begin = now_us();

        seam_container_start(t, .image = IMAGE, .ports = { port }, .private_server = true,
                             .network_mode = "host",
                             .cmd = { "--save", "", "--appendonly", "no", "--port", number },
                             .wait = { .probe = SEAM_PROBE_REDIS });
        if (i > 0)
            figure(t, "host.redis", (now_us() - begin) / 1e3);
    }
}

/* A virtual host and a user on a broker that runs. */
SEAM_TEST(rabbitmq_lease, .timeout_ms = 600000)
{
    for (int i = 0; i < LEASES; i++) {
        double begin = now_us();

        seam_rabbitmq_start(t);
        if (i >= WARM_UP)
            figure(t, "rabbitmq.lease", (now_us() - begin) / 1e3);
    }
}
