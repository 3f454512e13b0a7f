/* ordersd/system.c - time, names and waiting; see system.h. */

#define _POSIX_C_SOURCE 200809L

#include "ordersd/system.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

static int64_t now_us(void *self)
{
    struct timespec now;

    (void)self;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct clock system_clock(void)
{
    return (struct clock){ .now_us = now_us };
}

/* A UUID of version 4: random but for the version and the variant (RFC 9562). */
static int next_id(void *self, char ret_id[ORDER_ID_LENGTH + 1])
{
    unsigned char b[16];

    (void)self;
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
        return -1;
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    snprintf(ret_id, ORDER_ID_LENGTH + 1,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
    return 0;
}

struct id_generator system_ids(void)
{
    return (struct id_generator){ .next = next_id };
}

static int wait_ms(void *self, int64_t ms)
{
    struct pollfd stop = { .fd = *(int *)self, .events = POLLIN };
    int64_t until = now_us(NULL) + ms * 1000;
    int r;

    do {
        int64_t left = until - now_us(NULL);

        r = poll(&stop, 1, left > 0 ? (int)((left + 999) / 1000) : 0);
    } while (r < 0 && errno == EINTR);
    return r == 0 ? 0 : -1;
}

struct waiter system_waiter(int *stop_fd)
{
    return (struct waiter){ .self = stop_fd, .wait = wait_ms };
}
