/*
 * ordersd/main.c - the order service as a program.
 *
 *     ordersd            serve
 *     ordersd --migrate  bring the database up to date, and end
 *
 * Its settings are variables of the environment, see config.h. It says "listening on
 * 127.0.0.1:8080" on stdout once it takes requests. SIGTERM and SIGINT end it in good order: no
 * new connections, requests that are under way are answered, their events sent, status 0.
 */

#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <curl/curl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "front/front.h"
#include "ordersd/courier.h"
#include "ordersd/crew.h"
#include "ordersd/system.h"
#include "repository/migrate.h"

enum {
    DRAIN_MS = 10000,
    IDLE_S = 30, /* a client that says nothing for so long is cut off */
};

struct daemon {
    int stop_fd; /* an eventfd: readable when the program stops */
    struct courier courier;
    struct crew crew;
    struct front front;
    struct MHD_Daemon *http;
};

/* Go on with what a crash or an outage left behind. What cannot be done now is for the next
 * start. */
static void settle(struct crew *crew)
{
    const struct order_service *service = service_pool_take(&crew->services);
    struct failure failure;
    size_t settled;

    if (order_service_settle(service, &settled, &failure))
        fprintf(stderr, "orders: not settled: %s\n", failure.text);
    if (settled > 0)
        printf("settled %zu pending orders\n", settled);
    service_pool_give_back(&crew->services, service);
}

static int listen_for_requests(struct daemon *daemon, const struct config *config)
{
    const union MHD_DaemonInfo *info;
    char host[INET_ADDRSTRLEN];

    daemon->http = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL, NULL,
        front_handle, &daemon->front, MHD_OPTION_NOTIFY_COMPLETED, front_completed,
        &daemon->front, MHD_OPTION_SOCK_ADDR, (const struct sockaddr *)&config->listen,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)CREW_SIZE, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_S, MHD_OPTION_END);
    if (!daemon->http)
        return -1;
    info = MHD_get_daemon_info(daemon->http, MHD_DAEMON_INFO_BIND_PORT);
    inet_ntop(AF_INET, &config->listen.sin_addr, host, sizeof host);
    printf("listening on %s:%u\n", host, (unsigned)info->port);
    fflush(stdout);
    return 0;
}

static void stop(struct daemon *daemon)
{
    int listener = MHD_quiesce_daemon(daemon->http);

    if (listener >= 0)
        close(listener);
    eventfd_write(daemon->stop_fd, 1); /* nobody waits for the payment provider any more */
    if (front_drain(&daemon->front, DRAIN_MS) < 0)
        fprintf(stderr, "orders: requests were not answered within %d ms\n", DRAIN_MS);
    MHD_stop_daemon(daemon->http);
}

/* `ending` is blocked, and will be in all threads that are started from here. */
static int serve(struct daemon *daemon, const struct config *config, const sigset_t *ending)
{
    int number;

    settle(&daemon->crew);
    front_init(&daemon->front, &daemon->crew.services);
    if (listen_for_requests(daemon, config) < 0) {
        perror("orders: cannot listen");
        front_fini(&daemon->front);
        return 1;
    }
    sigwait(ending, &number);
    stop(daemon);
    front_fini(&daemon->front);
    return 0;
}

static int serve_with_crew(struct daemon *daemon, const struct config *config,
                           const sigset_t *ending, struct failure *failure)
{
    int status;

    if (crew_open(&daemon->crew, config, system_waiter(&daemon->stop_fd),
                  courier_bell(&daemon->courier), failure) < 0)
        return -1;
    status = serve(daemon, config, ending);
    crew_close(&daemon->crew);
    return status;
}

static int run(const struct config *config, const sigset_t *ending)
{
    struct daemon daemon = { .stop_fd = eventfd(0, EFD_CLOEXEC) };
    struct failure failure;
    int status = -1;

    if (daemon.stop_fd < 0) {
        perror("orders: eventfd");
        return 1;
    }
    if (courier_start(&daemon.courier, config, &failure) == 0) {
        status = serve_with_crew(&daemon, config, ending, &failure);
        courier_stop(&daemon.courier); /* after the last request, so that its event is sent */
    }
    if (status < 0)
        fprintf(stderr, "orders: %s\n", failure.text);
    close(daemon.stop_fd);
    return status < 0 ? 1 : status;
}

static int run_migrations(void)
{
    struct migration_config config;
    struct failure failure;
    size_t count;

    if (migration_config_read(&config, &failure) < 0) {
        fprintf(stderr, "orders: %s\n", failure.text);
        return 2;
    }
    if (migrate(config.database_url, config.folder, &count, &failure)) {
        fprintf(stderr, "orders: %s\n", failure.text);
        return 1;
    }
    printf("applied %zu migrations\n", count);
    return 0;
}

static int run_daemon(void)
{
    struct failure failure;
    struct config config;
    sigset_t ending;
    int status;

    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    sigprocmask(SIG_BLOCK, &ending, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (config_read(&config, &failure) < 0) {
        fprintf(stderr, "orders: %s\n", failure.text);
        return 2;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    status = run(&config, &ending);
    curl_global_cleanup();
    return status;
}

int main(int argc, char **argv)
{
    if (argc == 1)
        return run_daemon();
    if (argc == 2 && strcmp(argv[1], "--migrate") == 0)
        return run_migrations();
    fprintf(stderr, "usage: ordersd [--migrate]\n");
    return 2;
}
