/* ordersd/courier.c - the announcer at work, in a thread of its own; see courier.h. */

#include "ordersd/courier.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { LOOK_EVERY_MS = 1000 };

static void look(struct courier *courier)
{
    struct failure failure;
    size_t sent;
    bool failed = announcer_run(&courier->announcer, &sent, &failure) < 0;

    if (failed && !courier->failing)
        fprintf(stderr, "orders: events wait: %s\n", failure.text);
    if (!failed && courier->failing)
        fprintf(stderr, "orders: events are sent again\n");
    courier->failing = failed;
}

/* Returns false when the courier is to end. */
static bool wait_for_work(const struct courier *courier)
{
    struct pollfd fds[] = { { .fd = courier->stop_fd, .events = POLLIN },
                            { .fd = courier->bell_fd, .events = POLLIN } };
    eventfd_t count;

    if (poll(fds, 2, LOOK_EVERY_MS) < 0 && errno != EINTR)
        return false;
    if (fds[1].revents)
        eventfd_read(courier->bell_fd, &count);
    return !fds[0].revents;
}

static void *work(void *arg)
{
    struct courier *courier = arg;

    do
        look(courier);
    while (wait_for_work(courier));
    look(courier);
    return NULL;
}

static void ring(void *self)
{
    const struct courier *courier = self;

    /* It fails only when it was rung 2^64 - 2 times and not heard: it will be. */
    eventfd_write(courier->bell_fd, 1);
}

struct bell courier_bell(struct courier *courier)
{
    return (struct bell){ .self = courier, .ring = ring };
}

/* ---- its life --------------------------------------------------------------------------- */

static void close_all(struct courier *courier)
{
    if (courier->stop_fd >= 0)
        close(courier->stop_fd);
    if (courier->bell_fd >= 0)
        close(courier->bell_fd);
    amqp_publisher_close(courier->publisher);
    postgres_outbox_close(courier->outbox);
}

static int open_all(struct courier *courier, const struct config *config,
                    struct failure *failure)
{
    const struct amqp_publisher_settings settings = { .url = config->broker_url,
                                                      .timeout_ms = config->timeout_ms };

    *courier = (struct courier){ .bell_fd = eventfd(0, EFD_CLOEXEC),
                                 .stop_fd = eventfd(0, EFD_CLOEXEC) };
    if (courier->bell_fd < 0 || courier->stop_fd < 0) {
        snprintf(failure->text, sizeof failure->text, "eventfd: %s", strerror(errno));
        return -1;
    }
    if (postgres_outbox_open(&courier->outbox, config->database_url, failure))
        return -1;
    if (amqp_publisher_open(&courier->publisher, &settings) < 0) {
        snprintf(failure->text, sizeof failure->text, "no memory for a publisher");
        return -1;
    }
    courier->announcer = (struct announcer){
        .outbox = postgres_outbox_port(courier->outbox),
        .events = amqp_publisher_port(courier->publisher),
    };
    return 0;
}

int courier_start(struct courier *courier, const struct config *config, struct failure *failure)
{
    int error = 0;
    int r = open_all(courier, config, failure);

    if (r == 0)
        error = pthread_create(&courier->thread, NULL, work, courier);
    if (error)
        snprintf(failure->text, sizeof failure->text, "no thread: %s", strerror(error));
    if (r == 0 && !error)
        return 0;
    close_all(courier);
    return -1;
}

void courier_stop(struct courier *courier)
{
    eventfd_write(courier->stop_fd, 1);
    pthread_join(courier->thread, NULL);
    close_all(courier);
}
