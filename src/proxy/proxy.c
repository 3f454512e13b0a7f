/* proxy/proxy.c - the functions of seam/proxy.h, and the life of a proxy. */

#include "proxy/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/map.h"
#include "test/t.h"

#include "base/hostile.h"

static const char loopback[] = "127.0.0.1";

/* ---- the server */

/* Hooks of doubles answer with such an address (198.18.0.0/15) for a name that the test has not allowed. */
static bool is_reserved(const struct sockaddr *address)
{
    const struct sockaddr_in *v4 = (const void *)address;

    return address->sa_family == AF_INET && ntohl(v4->sin_addr.s_addr) >> 17 == 0xc612u >> 1;
}

/* The first of IPv4, where most servers of tests listen, else the first. */
static const struct addrinfo *choose(const struct addrinfo *found)
{
    for (const struct addrinfo *at = found; at; at = at->ai_next)
        if (at->ai_family == AF_INET)
            return at;
    return found;
}

static void look_up(struct seam_proxy *proxy, const char *host, int port)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    const struct addrinfo *chosen;
    struct addrinfo *found;
    char service[16];
    int r;

    snprintf(service, sizeof service, "%d", port);
    r = getaddrinfo(host, service, &hints, &found);
    if (r != 0)
        seam_fatal_at(proxy->t, proxy->site, "cannot look up '%s' for a proxy: %s", host,
                      gai_strerror(r));
    chosen = choose(found);
    proxy->server_size = chosen->ai_addrlen;
    memcpy(&proxy->server, chosen->ai_addr, chosen->ai_addrlen);
    freeaddrinfo(found);
    if (is_reserved((struct sockaddr *)&proxy->server))
        seam_fatal_at(proxy->t, proxy->site,
                      "a proxy cannot lead to '%s', which this test does not reach\n"
                      "try: seam_net_allow(t, \"%s:%d\") before, or the port of a mock",
                      host, host, port);
}

static void take_path(struct seam_proxy *proxy, const char *path)
{
    struct sockaddr_un *address = (void *)&proxy->server;
    size_t size = strlen(path) + 1;

    if (size > sizeof address->sun_path)
        seam_fatal_at(proxy->t, proxy->site,
                      "'%s' is too long for a proxy's .unix_socket: it has at most %zu bytes",
                      path, sizeof address->sun_path - 1);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, size);
    proxy->server_size = sizeof *address;
}

static void take_server(struct seam_proxy *proxy, const seam_proxy_options *options)
{
    const char *host = options->host ? options->host : loopback;

    if (options->unix_socket && (options->port || options->host))
        seam_fatal_at(proxy->t, proxy->site,
                      "a proxy has one server: .unix_socket, or .host and .port, not both");
    if (!options->unix_socket && !options->port)
        seam_fatal_at(proxy->t, proxy->site,
                      "a proxy needs a server: .port, with .host, or .unix_socket");
    if (options->port < 0 || options->port > 65535)
        seam_fatal_at(proxy->t, proxy->site, "'%d' is no port for a proxy's server: 1 to 65535",
                      options->port);
    if (options->unix_socket)
        take_path(proxy, options->unix_socket);
    else
        look_up(proxy, host, options->port);
    proxy->server_name =
        options->unix_socket
            ? arena_dup(t_arena(proxy->t), options->unix_socket)
            : arena_printf(t_arena(proxy->t), strchr(host, ':') ? "[%s]:%d" : "%s:%d", host,
                           options->port);
}

/* ---- up and down */

static void listen_now(struct seam_proxy *proxy, seam_site at)
{
    struct err err;
    int r;

    loop_lock();
    proxy->is_up = true;
    r = listener_start(&proxy->listener, proxy->listen_socket, &err);
    loop_unlock();
    if (r < 0)
        seam_fatal_at(proxy->t, at, "cannot start a proxy: %s", err.text);
}

void seam_proxy_set_at(seam_proxy *proxy, seam_site at, bool up)
{
    if (up && !proxy->is_up)
        listen_now(proxy, at);
    if (up)
        return;
    loop_lock();
    proxy->is_up = false;
    listener_stop(&proxy->listener);
    proxy_reset_all(proxy, "reset by the proxy, which is down,");
    loop_unlock();
}

/* ---- the end */

static void say_seen(const seam_proxy *proxy)
{
    char unreached[200] = "";

    if (proxy->unreached)
        snprintf(unreached, sizeof unreached, "; the server was not reached by %zu: %s",
                 proxy->unreached, strerror(-proxy->unreached_error));
    seam_log_at(proxy->t, proxy->site,
                "proxy to %s: %zu connection%s, %lld bytes there, %lld back; %zu ended by "
                "faults%s",
                proxy->server_name, proxy->count, proxy->count == 1 ? "" : "s",
                (long long)proxy->bytes[0], (long long)proxy->bytes[1], proxy->cut, unreached);
    if (proxy->used_random)
        seam_log_at(proxy->t, proxy->site,
                    "what the proxy did at random follows from a seed: .seed = %" PRIu64
                    "u gives the same again",
                    proxy->seed);
}

/* Copes with one that is half built. */
static void stop(void *arg)
{
    seam_proxy *proxy = arg;

    loop_lock();
    listener_stop(&proxy->listener);
    proxy_free_all(proxy);
    if (proxy->held_fd >= 0)
        t_private_close(proxy->held_fd);
    loop_unlock();
    if (seam_failed(proxy->t) && proxy->server_name)
        say_seen(proxy);
}

/* ---- the beginning */

/* Of the run's seed and the test's name: what is random in one test is not the same in all. */
static uint64_t seed_of(seam_t *t)
{
    const char *name = seam_name(t);
    uint64_t seed = hash_bytes(HASH_BEGIN, name, strlen(name)) ^ (uint64_t)t_run_seed();

    return seed ? seed : 1;
}

static void hold_port(seam_proxy *proxy)
{
    proxy->held_fd = listener_hold_port(&proxy->listener.held_port);
    if (proxy->held_fd < 0)
        seam_fatal_at(proxy->t, proxy->site, "cannot start a proxy: no port of 127.0.0.1: %s",
                      strerror(-proxy->held_fd));
}

seam_proxy *seam_proxy_start_at(seam_t *t, const seam_proxy_options *options)
{
    seam_proxy *proxy = arena_zero(t_arena(t), sizeof *proxy);

    proxy->t = t;
    proxy->site = options->site;
    proxy->listener.accepted = proxy_accepted;
    proxy->listen_socket = arena_dup(t_arena(t), options->listen_socket);
    proxy->held_fd = -1;
    proxy->last = &proxy->first;
    proxy->seed = proxy->random = options->seed ? options->seed : seed_of(t);
    seam_cleanup(t, stop, proxy);
    take_server(proxy, options);
    if (!proxy->listen_socket)
        hold_port(proxy);
    listen_now(proxy, options->site);
    return proxy;
}

/* ---- faults */

static void judge_numbers(const seam_proxy *proxy, const seam_proxy_faults *faults)
{
    const struct {
        const char *name;
        long long value;
    } numbers[] = {
        { "latency_ms", faults->latency_ms },
        { "jitter_ms", faults->jitter_ms },
        { "bytes_per_second", faults->bytes_per_second },
        { "piece", faults->piece },
        { "piece_gap_ms", faults->piece_gap_ms },
        { "cut_after", faults->cut_after },
        { "cut_after_ms", faults->cut_after_ms },
        { "stall_after", faults->stall_after },
        { "slow_close_ms", faults->slow_close_ms },
        { "percent", faults->percent },
        { "times", faults->times },
    };

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].value < 0)
            seam_fatal_at(proxy->t, faults->site,
                          "a proxy's .%s is not less than 0, as '%lld' is", numbers[i].name,
                          numbers[i].value);
}

static void judge(const seam_proxy *proxy, const seam_proxy_faults *faults)
{
    judge_numbers(proxy, faults);
    if (faults->direction < SEAM_PROXY_BOTH || faults->direction > SEAM_PROXY_TO_CLIENT)
        seam_fatal_at(proxy->t, faults->site, "'%d' is no direction of a proxy",
                      (int)faults->direction);
    if (faults->percent > 100)
        seam_fatal_at(proxy->t, faults->site, "a proxy's .percent is at most 100, not '%d'",
                      faults->percent);
    if (faults->piece_gap_ms && !faults->piece)
        seam_fatal_at(proxy->t, faults->site,
                      "a proxy's .piece_gap_ms lies between pieces: say .piece as well");
}

void seam_proxy_toxic_at(seam_proxy *proxy, const seam_proxy_faults *faults)
{
    struct proxy_faults *copy;
    int first = faults->direction == SEAM_PROXY_TO_CLIENT;
    int last = faults->direction != SEAM_PROXY_TO_SERVER;

    judge(proxy, faults);
    copy = arena_zero(t_arena(proxy->t), sizeof *copy);
    copy->faults = *faults;
    copy->left = faults->times ? faults->times : -1;
    loop_lock();
    proxy_apply(proxy, first, last, copy);
    loop_unlock();
}

/* ---- what it is and has seen */

const char *seam_proxy_host(const seam_proxy *proxy)
{
    (void)proxy;
    return loopback;
}

int seam_proxy_port(const seam_proxy *proxy)
{
    return proxy->listener.held_port;
}

uint64_t seam_proxy_seed(const seam_proxy *proxy)
{
    return proxy->seed;
}

size_t seam_proxy_connections(const seam_proxy *proxy)
{
    size_t count;

    loop_lock();
    count = proxy->count;
    loop_unlock();
    return count;
}

size_t seam_proxy_open(const seam_proxy *proxy)
{
    size_t count;

    loop_lock();
    count = proxy->open;
    loop_unlock();
    return count;
}

int64_t seam_proxy_bytes(const seam_proxy *proxy, enum seam_proxy_direction direction)
{
    int64_t bytes = 0;

    loop_lock();
    if (direction != SEAM_PROXY_TO_CLIENT)
        bytes += proxy->bytes[0];
    if (direction != SEAM_PROXY_TO_SERVER)
        bytes += proxy->bytes[1];
    loop_unlock();
    return bytes;
}
