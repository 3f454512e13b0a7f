/* link/ask.c - the test's process answers the programs that it spawned; see ask.h. */

#include "link/ask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "link/destination.h"
#include "link/real.h"
#include "link/trust.h"

#include "base/hostile.h"

enum { QUESTION_MS = 2000, QUESTION_MAX = 4096, ANSWER_MAX = 1 << 20 };

struct link_ask {
    int listener;
    int finish; /* an eventfd */
    pthread_t thread;
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
};

/* ---- answers */

/* A text of the question in memory of the caller's; cut where it is too long for any host. */
static void take_text(const struct message *question, const char *key, char *ret, size_t size)
{
    struct message value = message_value(question, key);

    snprintf(ret, size, "%.*s", (int)value.size, value.data ? value.data : "");
}

static void answer_resolve(const struct message *question, struct buf *answer)
{
    static const char *const verdicts[] = {
        [LINK_LOOKUP_REAL] = "real", [LINK_LOOKUP_OURS] = "ours", [LINK_LOOKUP_NONE] = "none"
    };
    char host[LINK_HOST_MAX];
    uint32_t address = 0;
    enum link_lookup found;

    take_text(question, "host", host, sizeof host);
    found = link_look_up(host, &address);
    message_add_text(answer, "verdict", verdicts[found]);
    if (found == LINK_LOOKUP_OURS)
        message_add_int(answer, "address", address);
}

/* Where a double is for a program that is not this one. */
static void answer_double(const struct link_destination *to, struct buf *answer)
{
    int fault = to->driver->fault ? to->driver->fault(to->route, to->host) : 0;
    int port = fault || !to->driver->listen ? 0 : to->driver->listen(to->route, to->host);

    if (fault == LINK_BREAK_NO_ANSWER)
        message_add_text(answer, "verdict", "silence");
    else if (port <= 0)
        message_add_text(answer, "verdict", "quiet");
    else {
        message_add_text(answer, "verdict", "double");
        message_add_int(answer, "port", port);
    }
}

static void answer_connect(const struct message *question, struct buf *answer)
{
    static const char *const verdicts[] = { [LINK_PASS] = "pass",
                                            [LINK_REFUSE] = "refuse",
                                            [LINK_REFUSE_QUIETLY] = "quiet",
                                            [LINK_NO_ANSWER] = "silence" };
    struct message address = message_value(question, "address");
    struct link_destination to;
    struct sockaddr_storage at = { 0 };
    enum link_verdict verdict;

    if (address.size == 0 || address.size > sizeof at)
        return;
    memcpy(&at, address.data, address.size);
    verdict = link_judge((const struct sockaddr *)&at, (socklen_t)address.size,
                         message_int(question, "stream", 1) != 0, &to);
    if (verdict == LINK_TO_DOUBLE)
        answer_double(&to, answer);
    else
        message_add_text(answer, "verdict", verdicts[verdict]);
    message_add_int(answer, "refuses", link_refuses());
    message_add_text(answer, "host", to.host);
    message_add_text(answer, "authority", link_authority());
}

static void answer_refused(const struct message *question)
{
    struct link_destination to = { .port = (int)message_int(question, "port", 0) };
    char library[LINK_HOST_MAX];

    take_text(question, "host", to.host, sizeof to.host);
    take_text(question, "library", library, sizeof library);
    link_tell_refused_by(&to, library);
}

void link_ask_answer(const struct message *question, struct buf *answer)
{
    char op[16];

    take_text(question, "op", op, sizeof op);
    if (strcmp(op, "resolve") == 0)
        answer_resolve(question, answer);
    else if (strcmp(op, "connect") == 0)
        answer_connect(question, answer);
    else if (strcmp(op, "refused") == 0)
        answer_refused(question);
    else if (strcmp(op, "others") == 0)
        message_add_int(answer, "others", link_allows_others());
}

/* ---- the thread */

static void send_all(int fd, const struct buf *answer)
{
    size_t sent = 0;

    while (!answer->failed && sent < answer->size) {
        ssize_t n =
            link_real()->send(fd, answer->data + sent, answer->size - sent, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR)
            break;
        sent += n > 0 ? (size_t)n : 0;
    }
}

static void converse(int fd)
{
    struct buf question = BUF_INIT(QUESTION_MAX), answer = BUF_INIT(ANSWER_MAX);
    struct message message;
    size_t begin;

    if (message_receive(fd, &question, deadline_after_ms(QUESTION_MS), &message) == 0) {
        begin = message_begin(&answer);
        link_ask_answer(&message, &answer);
        message_end(&answer, begin);
        send_all(fd, &answer);
    }
    buf_fini(&question);
    buf_fini(&answer);
}

static void *answer_all(void *arg)
{
    struct link_ask *ask = arg;
    struct pollfd fds[] = { { .fd = ask->listener, .events = POLLIN },
                            { .fd = ask->finish, .events = POLLIN } };

    while (machine.poll(fds, 2, -1) >= 0 || errno == EINTR) {
        int fd = fds[0].revents ? accept4(ask->listener, NULL, NULL, SOCK_CLOEXEC) : -1;

        if (fd >= 0) {
            converse(fd);
            link_real()->close(fd);
        }
        if (fds[1].revents)
            break;
    }
    return NULL;
}

/* ---- its life */

static int private_fd(int fd)
{
    return fd < 0 ? -errno : link_private_fd ? link_private_fd(fd) : fd;
}

static int listen_at(struct link_ask *ask, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t size = strlen(path) + 1;

    if (size > sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, size);
    memcpy(ask->path, path, size);
    ask->listener = private_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ask->finish = private_fd(eventfd(0, EFD_CLOEXEC));
    if (ask->listener < 0 || ask->finish < 0)
        return ask->listener < 0 ? ask->listener : ask->finish;
    if (bind(ask->listener, (const struct sockaddr *)&address, sizeof address) < 0 ||
        listen(ask->listener, SOMAXCONN) < 0)
        return -errno;
    return 0;
}

static int start_thread(struct link_ask *ask)
{
    sigset_t all, before;
    int r;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&ask->thread, NULL, answer_all, ask);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -r;
}

static void close_all(struct link_ask *ask)
{
    if (ask->listener >= 0)
        link_real()->close(ask->listener);
    if (ask->finish >= 0)
        link_real()->close(ask->finish);
    unlink(ask->path);
    free(ask);
}

int link_ask_start(const char *path, struct link_ask **ret, struct err *err)
{
    struct link_ask *ask = calloc(1, sizeof *ask);
    int r;

    if (!ask)
        return err_set(err, -ENOMEM, "out of memory");
    ask->listener = ask->finish = -1;
    r = listen_at(ask, path);
    if (r == 0)
        r = start_thread(ask);
    if (r < 0) {
        close_all(ask);
        return err_system(err, r, "cannot listen at '%s'", path);
    }
    *ret = ask;
    return 0;
}

void link_ask_stop(struct link_ask *ask)
{
    if (!ask)
        return;
    eventfd_write(ask->finish, 1);
    pthread_join(ask->thread, NULL);
    close_all(ask);
}
