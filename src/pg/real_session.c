/* pg/real_session.c - a client of a real PostgreSQL server; see real_session.h. */

#include "pg/real_session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"

enum { OUT_MAX = 2 * PG_MESSAGE_MAX, READ_SIZE = 16 << 10 };

/* ---- the address */

/* The value of a word in "name='va\'lue' name=value"; "" when there is none. */
static char *conninfo_value(struct arena *arena, const char *conninfo, const char *name)
{
    const char *at = strstr(conninfo, name);
    char *value, *to;
    bool quoted;

    if (!at)
        return arena_dup(arena, "");
    at += strlen(name);
    quoted = *at == '\'';
    at += quoted;
    value = to = arena_zero(arena, strlen(at) + 1);
    for (; *at && (quoted ? *at != '\'' : *at != ' '); at++) {
        if (*at == '\\' && at[1])
            at++;
        *to++ = *at;
    }
    return value;
}

int real_address_parse(struct arena *arena, const char *conninfo, struct real_address *ret)
{
    *ret = (struct real_address){ conninfo_value(arena, conninfo, "host="),
                                  atoi(conninfo_value(arena, conninfo, "port=")),
                                  conninfo_value(arena, conninfo, "user="),
                                  conninfo_value(arena, conninfo, "dbname=") };
    return ret->folder[0] == '/' && ret->port > 0 && *ret->user && *ret->database ? 0 : -EINVAL;
}

/* ---- messages */

static void add_message(struct pg_messages *to, struct arena *arena,
                        const struct pg_frame *frame)
{
    struct pg_message *message = arena_zero(arena, sizeof *message);

    message->frame = *frame;
    *to->last = message;
    to->last = &message->next;
}

static void clear(struct pg_messages *messages)
{
    *messages = (struct pg_messages){ .last = &messages->first };
}

void pg_messages_cut(struct pg_messages *ret, struct arena *arena, const char *data,
                     size_t size)
{
    clear(ret);
    while (size >= 5) {
        struct pg_frame length = { 0, data + 1, 4 };
        struct pg_body body = pg_body(&length);
        size_t whole = (size_t)pg_get_int32(&body) + 1;
        struct pg_frame frame = { *data, data + 5, whole - 5 };

        if (whole < 5 || whole > size)
            return;
        add_message(ret, arena, &frame);
        data += whole;
        size -= whole;
    }
}

bool pg_messages_error(const struct pg_messages *messages, struct pg_error *ret)
{
    for (const struct pg_message *at = messages->first; at; at = at->next)
        if (at->frame.type == 'E')
            return pg_read_error(&at->frame, ret) == 0;
    return false;
}

bool pg_messages_row(const struct pg_messages *messages, struct arena *arena, size_t count,
                     const char **ret)
{
    const struct pg_message *at = messages->first;
    struct pg_body body;

    while (at && at->frame.type != 'D')
        at = at->next;
    if (!at)
        return false;
    body = pg_body(&at->frame);
    if ((size_t)pg_get_int16(&body) < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        int32_t size = pg_get_int32(&body);
        const char *bytes = size < 0 ? NULL : pg_get_bytes(&body, (size_t)size);

        ret[i] = bytes ? arena_copy(arena, bytes, (size_t)size) : NULL;
    }
    return !body.failed;
}

/* ---- sending and receiving */

static int wait_for(int fd, short events, uint64_t deadline_ns)
{
    struct pollfd wanted = { .fd = fd, .events = events };
    int r;

    do
        r = poll(&wanted, 1, deadline_poll_ms(deadline_ns));
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

static int feed(struct real_session *session)
{
    char bytes[READ_SIZE];
    ssize_t n = recv(session->fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
    return n == 0 ? -EPIPE : pg_feed(&session->in, bytes, (size_t)n);
}

/* A server that answers while we send must not wait for us to read. */
static int flush(struct real_session *session, uint64_t deadline_ns)
{
    size_t sent = 0;
    int r = session->out.failed ? -EMSGSIZE : 0;

    while (r == 0 && sent < session->out.size) {
        ssize_t n = send(session->fd, session->out.data + sent, session->out.size - sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n >= 0)
            sent += (size_t)n;
        else if (errno == EAGAIN)
            r = wait_for(session->fd, POLLOUT | POLLIN, deadline_ns);
        else if (errno != EINTR)
            r = errno == EPIPE || errno == ECONNRESET ? 0 : -errno; /* what it said is read */
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            break;
        if (n < 0 && r == 0)
            r = feed(session);
    }
    buf_clear(&session->out);
    return r;
}

static void note_parameter(struct real_session *session, const struct pg_frame *frame)
{
    struct pg_body body = pg_body(frame);
    const char *name = pg_get_text(&body);
    const char *value = pg_get_text(&body);

    if (body.failed)
        return;
    if (strcmp(name, "TimeZone") == 0)
        snprintf(session->zone, sizeof session->zone, "%s", value);
    if (strcmp(name, "DateStyle") == 0)
        snprintf(session->date_style, sizeof session->date_style, "%s", value);
}

/* Take what has come; 1 when one of `until` is among it. */
static int take(struct real_session *session, const char *until, struct arena *arena,
                struct pg_messages *ret)
{
    struct pg_frame frame;
    enum pg_step step;

    while ((step = pg_next(&session->in, &frame)) == PG_FRAME) {
        if (frame.type == 'Z' && frame.size == 1)
            session->state = *frame.body;
        if (frame.type == 'S')
            note_parameter(session, &frame);
        if (frame.type == 'N' || frame.type == 'A' || frame.type == 'S')
            continue;
        frame.body = arena_copy(arena, frame.body, frame.size);
        add_message(ret, arena, &frame);
        if (strchr(until, frame.type))
            return 1;
    }
    return step == PG_WRONG ? -EPROTO : 0;
}

/* An ErrorResponse before the end says why. */
static int lose(struct real_session *session, int code, const struct pg_messages *said,
                struct err *err)
{
    struct pg_error error;

    if (code != -ETIMEDOUT)
        io_close(&session->fd);
    if (code == -ETIMEDOUT)
        return err_set(err, code, "the server gave no answer in time");
    if (pg_messages_error(said, &error))
        return err_set(err, code, "the server ended the session: %s", error.message);
    return err_system(err, code, "the session with the server broke");
}

int real_exchange(struct real_session *session, const char *until, uint64_t deadline_ns,
                  struct arena *arena, struct pg_messages *ret, struct err *err)
{
    int r;

    clear(ret);
    if (session->fd < 0)
        return err_set(err, -EPIPE, "the session is over");
    r = flush(session, deadline_ns);
    while (r == 0 && *until) {
        r = take(session, until, arena, ret);
        if (r != 0)
            break;
        r = wait_for(session->fd, POLLIN, deadline_ns);
        if (r == 0)
            r = feed(session);
    }
    return r < 0 ? lose(session, r, ret, err) : 0;
}

void real_put(struct real_session *session, char type, const void *body, size_t size)
{
    size_t begun = pg_begin(&session->out, type);

    buf_add(&session->out, body, size);
    pg_end(&session->out, begun);
}

int real_query(struct real_session *session, const char *sql, uint64_t deadline_ns,
               struct arena *arena, struct pg_messages *ret, struct err *err)
{
    real_put(session, 'Q', sql, strlen(sql) + 1);
    return real_exchange(session, "Z", deadline_ns, arena, ret, err);
}

/* Parse, Bind, Execute and Sync of the unnamed statement, all parameters and results as text. */
static void put_question(struct real_session *session, const char *sql,
                         const char *const *arguments, size_t count)
{
    size_t begun = pg_begin(&session->out, 'P');

    pg_put_text(&session->out, "");
    pg_put_text(&session->out, sql);
    pg_put_int16(&session->out, 0);
    pg_end(&session->out, begun);
    begun = pg_begin(&session->out, 'B');
    pg_put_text(&session->out, "");
    pg_put_text(&session->out, "");
    pg_put_int16(&session->out, 0);
    pg_put_int16(&session->out, (int)count);
    for (size_t i = 0; i < count; i++) {
        pg_put_int32(&session->out, (int32_t)strlen(arguments[i]));
        buf_add_text(&session->out, arguments[i]);
    }
    pg_put_int16(&session->out, 0);
    pg_end(&session->out, begun);
    begun = pg_begin(&session->out, 'E');
    pg_put_text(&session->out, "");
    pg_put_int32(&session->out, 0);
    pg_end(&session->out, begun);
    real_put(session, 'S', "", 0);
}

bool real_ask(struct real_session *session, uint64_t deadline_ns, struct arena *arena,
              const char *sql, const char *const *arguments, size_t argument_count,
              const char **ret, size_t count, struct pg_error *ret_error)
{
    struct pg_messages said;
    struct err err;
    int r;

    put_question(session, sql, arguments, argument_count);
    r = real_exchange(session, "Z", deadline_ns, arena, &said, &err);
    *ret_error = (struct pg_error){ 0 };
    if (pg_messages_error(&said, ret_error))
        return false;
    if (r < 0)
        ret_error->message = arena_dup(arena, err.text);
    return r == 0 && pg_messages_row(&said, arena, count, ret);
}

/* ---- beginning and end */

static int connect_to(const struct real_address *address, struct err *err)
{
    struct sockaddr_un where = { .sun_family = AF_UNIX };
    int n = snprintf(where.sun_path, sizeof where.sun_path, "%s/.s.PGSQL.%d", address->folder,
                     address->port);
    int fd;

    if (n < 0 || (size_t)n >= sizeof where.sun_path)
        return err_set(err, -ENAMETOOLONG, "the path '%s' of the server's socket is too long",
                       address->folder);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_system(err, -errno, "cannot make a socket");
    if (connect(fd, (struct sockaddr *)&where, sizeof where) < 0) {
        int r = -errno;

        close(fd);
        return err_system(err, r, "cannot reach PostgreSQL at '%s'", where.sun_path);
    }
    return fd;
}

static void put_start(struct real_session *session, const struct real_address *address,
                      const char *const *pairs)
{
    size_t begun = pg_begin(&session->out, 0);

    pg_put_int32(&session->out, PG_PROTOCOL);
    pg_put_text(&session->out, "user");
    pg_put_text(&session->out, address->user);
    pg_put_text(&session->out, "database");
    pg_put_text(&session->out, address->database);
    for (; pairs && *pairs; pairs++)
        pg_put_text(&session->out, *pairs);
    pg_put_byte(&session->out, 0);
    pg_end(&session->out, begun);
}

struct real_session real_of(int fd)
{
    struct real_session session = { .fd = fd, .out = BUF_INIT(OUT_MAX), .state = 'I' };

    pg_reader_init(&session.in, true);
    session.in.started = true;
    return session;
}

int real_open(struct real_session *session, const struct real_address *address,
              const char *const *pairs, uint64_t deadline_ns, struct err *err)
{
    struct arena arena = { 0 };
    struct pg_messages said;
    struct pg_error error;
    int r;

    *session = real_of(-1);
    session->fd = connect_to(address, err);
    if (session->fd < 0)
        return session->fd;
    put_start(session, address, pairs);
    r = real_exchange(session, "ZE", deadline_ns, &arena, &said, err);
    if (r == 0 && pg_messages_error(&said, &error))
        r = err_set(err, -EACCES, "%s", error.message);
    arena_fini(&arena);
    return r;
}

void real_end(struct real_session *session)
{
    io_close(&session->fd);
    pg_reader_fini(&session->in);
    buf_fini(&session->out);
}

bool real_is_open(const struct real_session *session)
{
    return session->fd >= 0;
}
