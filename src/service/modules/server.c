/* service/modules/server.c - start a server, or share the one that an equal request has started; see server.h. */

#include "service/modules/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "service/modules/server_lease.h"
#include "service/watch.h"

enum { STEPS_MAX = 64 << 10, STORY_MAX = 256 << 10, FAILURES_MAX = 2, FORGET_S = 60 };

int server_fail(struct server_trouble *trouble, int code, const char *format, ...)
{
    va_list args;

    buf_clear(&trouble->story);
    va_start(args, format);
    buf_vprintf(&trouble->story, format, args);
    va_end(args);
    return code;
}

struct server_port *server_port(struct server *server, int number)
{
    for (size_t i = 0; i < server->port_count; i++)
        if (number == 0 || server->ports[i].number == number)
            return &server->ports[i];
    return NULL;
}

void server_name(const char *from, char *ret, size_t size)
{
    const char *slash = strrchr(from, '/');
    size_t used = 0;

    for (from = slash ? slash + 1 : from; *from && *from != ':' && *from != '@'; from++)
        if (used + 1 < size)
            ret[used++] = strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", *from) ? *from : '_';
    if (used == 0)
        ret[used++] = '_';
    ret[used] = '\0';
}

/* ---- its log ---------------------------------------------------------------------------- */

/* Add what a file has behind its first `seen` bytes; of much the last part. */
static void read_behind(const char *path, size_t seen, struct buf *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    size_t behind = (size_t)size > seen ? (size_t)size - seen : 0;
    size_t room = ret->cap - ret->size;
    size_t take = behind < room ? behind : room;
    char *to = take > 0 ? buf_reserve(ret, take) : NULL;
    ssize_t n = to ? pread(fd, to, take, size - (off_t)take) : 0;

    if (n > 0) {
        ret->size += (size_t)n;
        ret->data[ret->size] = '\0';
    }
    io_close(&fd);
}

static bool has_more(const char *path, size_t seen)
{
    struct stat st;

    return stat(path, &st) == 0 && (size_t)st.st_size > seen;
}

void server_log(void *of, size_t seen, int wait_ms, struct buf *ret)
{
    struct server *server = of;
    struct watch watch = WATCH_NONE;
    uint64_t deadline = deadline_after_ms(wait_ms);

    if (wait_ms > 0 && seen == SIZE_MAX) {
        watch_wait(&watch, server->ended_fd, deadline);
        return;
    }
    if (wait_ms > 0 && watch_begin(server->service.folder, &watch) == 0 &&
        !has_more(server->service.log, seen))
        watch_wait(&watch, server->ended_fd, deadline);
    watch_end(&watch);
    read_behind(server->service.log, seen, ret);
}

/* ---- starting --------------------------------------------------------------------------- */

int server_await(struct server *server, struct wait_server *calls, uint64_t deadline_ns,
                 struct server_trouble *trouble)
{
    struct wait_condition *wait = &server->request->wait;
    int r;

    calls->name = server->request->name;
    calls->of = server;
    calls->begun_ns = server->begun_ns;
    calls->log = server_log;
    if (wait->kind == WAIT_ALL && wait->part_count == 0)
        wait->kind = server->port_count > 0 ? WAIT_PORT : WAIT_RUNS;
    buf_clear(&trouble->story);
    r = wait_for(wait, calls, deadline_ns, NULL, &server->steps, &trouble->story);
    return r;
}

static struct server *make(struct keeper *keeper, const struct server_kind *kind)
{
    struct server *server = calloc(1, kind->size);

    if (!server)
        return NULL;
    server->keeper = keeper;
    server->kind = kind;
    server->steps = BUF_INIT(STEPS_MAX);
    server->ended_fd = -1;
    return server;
}

static void end_service(struct service *service)
{
    struct server *server = (struct server *)service;

    server->kind->end(server);
}

static void forget(struct wait_condition *condition, size_t log_from)
{
    condition->holds = false;
    condition->scanned = log_from;
    condition->found = 0;
    condition->last[0] = '\0';
    for (size_t i = 0; i < condition->part_count; i++)
        forget(&condition->parts[i], log_from);
}

void server_forget_waiting(struct server *server)
{
    struct stat st;
    bool has_log = server->service.log[0] && stat(server->service.log, &st) == 0;

    forget(&server->request->wait, has_log ? (size_t)st.st_size : 0);
}

void server_free(struct server *server)
{
    keeper_remove(server->keeper, &server->service);
    server->kind->finish(server);
    if (server->service.folder[0])
        io_remove_tree(server->service.folder, NULL);
    buf_fini(&server->steps);
    request_free(server->request);
    free(server);
}

/* One attempt. The request is taken; it comes back when this fails. */
static int try_start(struct keeper *keeper, const struct server_kind *kind,
                     struct request **request, struct server **ret,
                     struct server_trouble *trouble)
{
    struct server *server = make(keeper, kind);
    int r;

    if (!server)
        return server_fail(trouble, -ENOMEM, "out of memory");
    server->request = *request;
    server->begun_ns = now_ns();
    server->service.end = end_service;
    server_forget_waiting(server);
    r = kind->start(server, deadline_after_ms(server->request->timeout_ms), trouble);
    if (r < 0) {
        server->request = NULL;
        server_free(server);
        return r;
    }
    *request = NULL;
    keeper_add(keeper, &server->service);
    if (!server->request->kind) /* a module says more about its own */
        keeper_note(keeper, "%s %s, started in %.0f ms", server->request->name, kind->word,
                    (double)(now_ns() - server->begun_ns) / 1e6);
    *ret = server;
    return 0;
}

/* As many attempts as the request allows; one that lost its port to another process counts for nothing. */
static int start(struct keeper *keeper, const struct server_kind *kind,
                 struct request **request, struct server **ret, struct server_trouble *trouble)
{
    int attempts = (*request)->attempts > 1 ? (*request)->attempts : 1, races = 3;
    int r;

    for (int i = 1;; i++) {
        trouble->try_again = false;
        r = try_start(keeper, kind, request, ret, trouble);
        if (r == 0 || trouble->is_missing)
            return r;
        if (trouble->try_again && races-- > 0)
            i--;
        else if (i >= attempts)
            break;
    }
    if (attempts > 1)
        buf_printf(&trouble->story, "\n    this was the last of %d attempts", attempts);
    return r;
}

/* ---- sharing ---------------------------------------------------------------------------- */

enum share_state { SHARE_NEW, SHARE_STARTING, SHARE_READY, SHARE_FAILED };

/* A server that equal requests use. It is never forgotten, as the next test may ask for it. */
struct share {
    struct share *next;
    const struct server_kind *kind;
    uint64_t key;
    struct message identity; /* its own */
    enum share_state state;
    struct server *server;
    int failures;
    uint64_t failed_ns;
    struct server_trouble trouble; /* of the last failure */
};

static struct {
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct share *first;
} shares = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static struct share *find_share(const struct server_kind *kind, const struct request *request)
{
    const struct message *identity = &request->identity;
    struct share *share = shares.first;
    char *copy;

    for (; share; share = share->next)
        if (share->kind == kind && share->key == request->key &&
            share->identity.size == identity->size &&
            memcmp(share->identity.data, identity->data, identity->size) == 0)
            return share;
    share = calloc(1, sizeof *share);
    copy = malloc(identity->size + 1);
    if (!share || !copy) {
        free(share);
        free(copy);
        return NULL;
    }
    memcpy(copy, identity->data, identity->size);
    *share = (struct share){ .next = shares.first,
                             .kind = kind,
                             .key = request->key,
                             .identity = { copy, identity->size },
                             .trouble = { .story = BUF_INIT(STORY_MAX) } };
    return shares.first = share;
}

static int repeat(const struct share *share, struct server_trouble *trouble)
{
    trouble->is_missing = share->trouble.is_missing;
    trouble->remedy = share->trouble.remedy;
    buf_clear(&trouble->story);
    buf_add(&trouble->story, buf_text(&share->trouble.story), share->trouble.story.size);
    return -EIO;
}

/* Start it for all who wait; with the lock, which is given away meanwhile. */
static int start_shared(struct keeper *keeper, struct share *share, struct request **request,
                        struct server_trouble *trouble)
{
    int r;

    share->state = SHARE_STARTING;
    pthread_mutex_unlock(&shares.lock);
    r = start(keeper, share->kind, request, &share->server, trouble);
    pthread_mutex_lock(&shares.lock);
    share->state = r == 0 ? SHARE_READY : SHARE_FAILED;
    if (r < 0) {
        share->failures++;
        share->failed_ns = now_ns();
        share->trouble.is_missing = trouble->is_missing;
        share->trouble.remedy = trouble->remedy;
        buf_clear(&share->trouble.story);
        buf_add(&share->trouble.story, buf_text(&trouble->story), trouble->story.size);
    }
    pthread_cond_broadcast(&shares.changed);
    return r;
}

/* Whether it has failed so often that the next test need not wait for it. */
static bool is_hopeless(const struct share *share)
{
    return share->failures >= FAILURES_MAX &&
           now_ns() < share->failed_ns + (uint64_t)FORGET_S * 1000000000u;
}

static int take_shared(struct keeper *keeper, struct share *share, struct request **request,
                       struct server_trouble *trouble)
{
    int failures = share->failures;

    while (share->state == SHARE_STARTING)
        pthread_cond_wait(&shares.changed, &shares.lock);
    if (share->state == SHARE_READY && share->kind->is_alive(share->server))
        return 0;
    if (share->state ==
        SHARE_READY) { /* tests that still have it must find it: it is kept, ended */
        keeper_remove(keeper, &share->server->service);
        share->kind->end(share->server);
    }
    if (share->failures > failures || (share->state == SHARE_FAILED && is_hopeless(share)))
        return repeat(share, trouble);
    return start_shared(keeper, share, request, trouble);
}

static int get_shared(struct keeper *keeper, const struct server_kind *kind,
                      struct request **request, struct server **ret,
                      struct server_trouble *trouble)
{
    struct share *share;
    int r;

    pthread_mutex_lock(&shares.lock);
    share = find_share(kind, *request);
    r = share ? take_shared(keeper, share, request, trouble)
              : server_fail(trouble, -ENOMEM, "out of memory");
    if (r == 0) {
        *ret = share->server;
        keeper_count(keeper, &share->server->service, 1);
    }
    pthread_mutex_unlock(&shares.lock);
    return r;
}

int server_get(struct keeper *keeper, const struct server_kind *kind, struct request **request,
               struct server **ret, struct server_trouble *trouble)
{
    int r;

    trouble->story = BUF_INIT(STORY_MAX);
    if (!(*request)->is_private)
        return get_shared(keeper, kind, request, ret, trouble);
    r = start(keeper, kind, request, ret, trouble);
    if (r == 0)
        keeper_count(keeper, &(*ret)->service, 1);
    return r;
}
