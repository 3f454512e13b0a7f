/* lease/lease.c - a test's connection to the keeper; see lease.h. */

#include "lease/lease.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "base/lent_ports.h"
#include "lease/image_lock.h"
#include "test/t.h"

enum {
    START_MAX_MS =
        1800000, /* an image may have to be pulled; the test's own limit comes first */
    ASK_MAX_MS = 120000,
    FAILED_MAX_MS = 5000,
    REQUEST_MAX = MESSAGE_MAX
};

void lease_request(struct buf *frame, const char *verb)
{
    *frame = BUF_INIT(REQUEST_MAX);
    message_begin(frame);
    message_add_text(frame, "verb", verb);
}

/* A keeper that has died must not end the test by SIGPIPE, so not message_send. */
static int send_frame(int fd, const struct buf *frame)
{
    size_t sent = 0;

    if (frame->failed)
        return -EMSGSIZE;
    while (sent < frame->size) {
        ssize_t n = io_send_fds(fd, frame->data + sent, frame->size - sent, NULL, 0);

        if (n < 0)
            return (int)n;
        sent += (size_t)n;
    }
    return 0;
}

/* Send and wait for the answer, as long as the test may wait. */
static int exchange(struct lease *lease, const struct buf *frame, int most_ms,
                    struct message *ret)
{
    int r = send_frame(lease->fd, frame);

    if (r == 0)
        r = message_receive(lease->fd, &lease->reply,
                            deadline_after_ms(t_wait_ms(lease->t, most_ms)), ret);
    return r;
}

/* Tell the keeper that the test failed; under -keep it holds what the test had and says how to look. */
static void say_failed(struct lease *lease)
{
    struct message answer;
    struct buf frame;

    lease_request(&frame, "failed");
    message_end(&frame, 0);
    if (exchange(lease, &frame, FAILED_MAX_MS, &answer) == 0 &&
        message_value(&answer, "kept").size > 0)
        seam_log_at(lease->t, lease->site, "kept until 'seam services down': %s",
                    lease_text(lease, &answer, "kept"));
    buf_fini(&frame);
}

static void say_passed(struct lease *lease)
{
    struct buf frame;

    lease_request(&frame, "release");
    message_end(&frame, 0);
    send_frame(lease->fd, &frame);
    buf_fini(&frame);
}

/* The test ends; one that dies says nothing, and the kernel closes the connection. */
static void end(void *arg)
{
    struct lease *lease = arg;

    if (lease->fd >= 0 && lease->owner == getpid()) {
        if (seam_failed(lease->t))
            say_failed(lease);
        else
            say_passed(lease);
        t_private_close(lease->fd);
        lease->fd = -1;
    }
    buf_fini(&lease->reply);
}

/* Connect to the keeper. Returns a descriptor or -errno. */
static int connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd, r;

    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        r = -errno;
        close(fd);
        return r;
    }
    return t_private_fd(fd);
}

static const char *no_answer(const struct lease *lease, int result)
{
    if (result == -ETIMEDOUT)
        return arena_printf(t_arena(lease->t), "%s: no answer in time", lease->service);
    if (result == -ECONNRESET || result == -EPIPE)
        return arena_printf(t_arena(lease->t), "%s: the keeper of the services has died (%s)",
                            lease->service, strerror(-result));
    return arena_printf(t_arena(lease->t), "%s: cannot ask the keeper: %s", lease->service,
                        strerror(-result));
}

static const char *skip_words(struct lease *lease, const struct message *answer)
{
    const char *why = lease_text(lease, answer, "skip");
    const char *remedy = lease_text(lease, answer, "try");

    return arena_printf(t_arena(lease->t), "%s%s%s", why, *remedy ? "\ntry: " : "", remedy);
}

/* The environment speaks for one service, the run's -services for all others. */
static const char *tier_of(seam_t *t, seam_site at, const char *service)
{
    char name[64];
    const char *wanted;

    snprintf(name, sizeof name, "SEAM_SERVICES_%s", service);
    for (char *letter = name; *letter; letter++)
        *letter = (char)toupper((unsigned char)*letter);
    wanted = getenv(name);
    if (!wanted || !*wanted)
        return t_wants_containers() ? "docker" : t_wants_natives() ? "native" : "auto";
    if (strcmp(wanted, "auto") != 0 && strcmp(wanted, "native") != 0 &&
        strcmp(wanted, "docker") != 0)
        seam_fatal_at(t, at, "%s is '%s', which is none of: auto native docker", name, wanted);
    return wanted;
}

void lease_add_path(seam_t *t, seam_site at, const char *key, const char *path,
                    struct buf *frame)
{
    const char *absolute = path ? t_source_path(t, at, path) : NULL;

    if (absolute && access(absolute, R_OK) < 0)
        seam_fatal_at(t, at, "cannot read '%s': %s", absolute, strerror(errno));
    message_add_text(frame, key, absolute);
}

void lease_add_tier(seam_t *t, seam_site at, const char *service, struct buf *frame)
{
    message_add_text(frame, "tier", tier_of(t, at, service));
    message_add_text(frame, "lock", getenv(IMAGE_LOCK_VARIABLE));
    message_add_int(frame, "offline", getenv(IMAGE_OFFLINE_VARIABLE) != NULL);
}

/* Connect to the keeper and send a request. */
static int begin(seam_t *t, seam_site at, const char *service, const struct buf *frame,
                 struct lease **ret_lease, const char **ret_why)
{
    struct lease *lease = arena_zero(t_arena(t), sizeof *lease);
    int r;

    if (!t_keeper_socket()) {
        *ret_why = arena_printf(t_arena(t), "needs %s: run it with `seam test` or `seam run`",
                                service);
        return -ENOENT;
    }
    *lease = (struct lease){ t, at, service, -1, getpid(), BUF_INIT(MESSAGE_MAX) };
    seam_cleanup(t, end, lease);
    lease->fd = connect_to(t_keeper_socket());
    if (lease->fd < 0) {
        *ret_why =
            arena_printf(t_arena(t), "%s: cannot reach the keeper of the services at '%s': %s",
                         service, t_keeper_socket(), strerror(-lease->fd));
        return -ECONNREFUSED; /* -ENOENT would be a service that is not installed */
    }
    r = send_frame(lease->fd, frame);
    *ret_why = r < 0 ? no_answer(lease, r) : NULL;
    *ret_lease = lease;
    return r;
}

/* The ports of "host:port,host:port", or of "port". */
static void note_ports_of(const char *text)
{
    for (; *text; text += strcspn(text, ",") + (strchr(text, ',') != NULL)) {
        const char *colon = strchr(text, ':');
        const char *comma = strchr(text, ',');

        lent_ports_add(atoi(colon && (!comma || colon < comma) ? colon + 1 : text));
    }
}

/* Every port that an answer names is the test's to reach. */
static void note_ports(struct lease *lease, const struct message *answer)
{
    struct message key, value;
    size_t at = 0;

    while (message_next(answer, &at, &key, &value) == 1)
        if (message_is(&key, "port") || message_is(&key, "management_port") ||
            message_is(&key, "servers"))
            note_ports_of(arena_copy(t_arena(lease->t), value.data, value.size));
}

/* What the keeper says of the request that was sent. */
static int await(struct lease *lease, int most_ms, struct message *ret, const char **ret_why)
{
    int r = message_receive(lease->fd, &lease->reply,
                            deadline_after_ms(t_wait_ms(lease->t, most_ms)), ret);

    *ret_why = r < 0 ? no_answer(lease, r) : NULL;
    if (r == 0 && message_value(ret, "skip").data) {
        *ret_why = skip_words(lease, ret);
        return -ENOENT;
    }
    if (r == 0 && message_int(ret, "ok", 0) == 0) {
        *ret_why = lease_text(lease, ret, "error");
        return -EREMOTEIO;
    }
    if (r == 0)
        note_ports(lease, ret);
    return r;
}

int lease_try(seam_t *t, seam_site at, const char *service, const struct buf *frame,
              struct lease **ret_lease, struct message *ret, const char **ret_why)
{
    struct lease *lease;
    int r = begin(t, at, service, frame, &lease, ret_why);

    if (r == 0)
        r = await(lease, START_MAX_MS, ret, ret_why);
    if (r == 0)
        *ret_lease = lease;
    return r;
}

static void demand(seam_t *t, seam_site at, int result, const char *why)
{
    if (result == -ENOENT)
        t_unavailable_at(t, at, "%s", why);
    if (result < 0)
        seam_fatal_at(t, at, "%s", why);
}

struct lease *lease_start(seam_t *t, seam_site at, const char *service, const struct buf *frame,
                          struct message *ret)
{
    struct lease *lease = NULL;
    const char *why;
    int r = lease_try(t, at, service, frame, &lease, ret, &why);

    demand(t, at, r, why);
    return lease;
}

struct lease *lease_start_long(seam_t *t, seam_site at, const char *service,
                               const struct buf *frame, int most_ms, struct message *ret)
{
    struct lease *lease = lease_send(t, at, service, frame);

    lease_await(lease, most_ms, ret);
    return lease;
}

struct lease *lease_send(seam_t *t, seam_site at, const char *service, const struct buf *frame)
{
    struct lease *lease = NULL;
    const char *why;
    int r = begin(t, at, service, frame, &lease, &why);

    demand(t, at, r, why);
    return lease;
}

void lease_await(struct lease *lease, int most_ms, struct message *ret)
{
    const char *why;
    int r = await(lease, most_ms, ret, &why);

    demand(lease->t, lease->site, r, why);
}

int lease_ask(struct lease *lease, seam_site at, const struct buf *frame, struct message *ret)
{
    int r;

    if (lease->owner != getpid())
        seam_fatal_at(lease->t, at, "%s: the handle belongs to the process that started it",
                      lease->service);
    r = exchange(lease, frame, ASK_MAX_MS, ret);
    if (r < 0)
        seam_fatal_at(lease->t, at, "%s", no_answer(lease, r));
    return message_int(ret, "ok", 0) != 0 ? 0 : -EREMOTEIO;
}

void lease_do(struct lease *lease, seam_site at, const char *verb, const char *what)
{
    struct message answer;
    struct buf frame;
    int r;

    lease_request(&frame, verb);
    message_end(&frame, 0);
    r = lease_ask(lease, at, &frame, &answer);
    buf_fini(&frame);
    if (r < 0)
        seam_fatal_at(lease->t, at, "cannot %s %s: %s", what, lease->service,
                      lease_text(lease, &answer, "error"));
}

const char *lease_text(struct lease *lease, const struct message *answer, const char *key)
{
    struct message value = message_value(answer, key);

    return value.data ? arena_copy(t_arena(lease->t), value.data, value.size) : "";
}

static void show_log(void *arg)
{
    struct lease *lease = arg;
    struct message answer;
    struct buf frame;
    const char *log;

    if (!seam_failed(lease->t) || lease->fd < 0 || lease->owner != getpid())
        return;
    lease_request(&frame, "logs");
    message_end(&frame, 0);
    if (lease_ask(lease, lease->site, &frame, &answer) == 0) {
        log = lease_text(lease, &answer, "log");
        if (*log)
            seam_log_at(lease->t, lease->site, "%s while the test ran:\n%.*s", lease->service,
                        (int)strlen(log) - 1, log);
    }
    buf_fini(&frame);
}

void lease_show_log(struct lease *lease)
{
    seam_cleanup(lease->t, show_log, lease);
}
