/* wire/pg_server.c - a PostgreSQL session: its life, its loop, its errors; see pg_server.h. */

#include "wire/pg_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire/pg_engine.h"

enum { OUT_MAX = 256 << 20 };

/* ---- life */

int pg_server_new(struct pg_server **ret, const struct pg_server_options *options)
{
    struct pg_server *server = calloc(1, sizeof *server);
    struct pg_server_options *own;

    if (!server)
        return -ENOMEM;
    own = &server->options;
    *own = *options;
    own->version = arena_dup(&server->arena, options->version ? options->version : "15.20");
    own->user = arena_dup(&server->arena, options->user);
    own->password = arena_dup(&server->arena, options->password);
    if (options->random)
        own->random = arena_copy(&server->arena, options->random, PG_SERVER_RANDOM);
    pg_reader_init(&server->reader, false);
    server->later = BUF_INIT(2 * (size_t)PG_MESSAGE_MAX);
    server->out = BUF_INIT(OUT_MAX);
    server->copy = BUF_INIT(PG_MESSAGE_MAX);
    server->last_notification = &server->notifications;
    *ret = server;
    return 0;
}

void pg_server_free(struct pg_server *server)
{
    if (!server)
        return;
    server->running = NULL; /* that a COPY, or an ask, was left with */
    portals_clear(server, 0);
    portals_bury(server);
    while (server->prepared)
        prepared_remove(server, server->prepared);
    notify_free(server);
    prepared_release(server->parsing);
    pg_readings_fini(&server->readings);
    parameters_fini(&server->parameters);
    pg_reader_fini(&server->reader);
    buf_fini(&server->later);
    buf_fini(&server->out);
    buf_fini(&server->copy);
    arena_fini(&server->turn);
    arena_fini(&server->block_arena);
    arena_fini(&server->arena);
    free(server);
}

int pg_server_feed(struct pg_server *server, const void *data, size_t size)
{
    if (server->asking)
        return buf_add(&server->later, data, size) < 0 ? -ENOMEM : 0;
    return pg_feed(&server->reader, data, size);
}

struct buf *pg_server_out(struct pg_server *server)
{
    return &server->out;
}

size_t pg_server_ready(const struct pg_server *server)
{
    return server->held < server->out.size ? server->out.size - server->held : 0;
}

char pg_server_state(const struct pg_server *server)
{
    return server->block == PG_BLOCK ? 'T' : server->block == PG_FAILED ? 'E' : 'I';
}

const char *pg_server_setting(struct pg_server *server, const char *name)
{
    return parameter_raw(server, name);
}

int pg_server_session_pid(const struct pg_server *server)
{
    return server->options.pid;
}

const struct pg_frame *pg_server_frame(const struct pg_server *server)
{
    return &server->frame;
}

void pg_server_watch(struct pg_server *server,
                     void (*fn)(void *arg, const struct pg_frame *frame), void *arg)
{
    server->watch = fn;
    server->watch_arg = arg;
}

int engine_major(const struct pg_server *server)
{
    return atoi(server->options.version);
}

/* ---- out */

/* An answer that does not fit is not begun: the session ends. */
void engine_end(struct pg_server *server, size_t begun)
{
    if (server->out.failed) {
        if (server->out.size > begun)
            server->out.size = begun;
        server->out.failed = false;
        server->phase = PG_OVER;
        return;
    }
    pg_end(&server->out, begun);
    server->held += server->out.size - begun;
}

void engine_put(struct pg_server *server, char type)
{
    engine_end(server, pg_begin(&server->out, type));
}

void engine_flush(struct pg_server *server)
{
    server->held = 0;
}

/* ---- asks */

void engine_ask(struct pg_server *server, enum pg_ask_kind kind,
                void (*then)(struct pg_server *server))
{
    server->ask = (struct pg_ask){ .kind = kind };
    server->asking = true;
    server->then = then;
    server->shift = 0;
}

struct pg_ask *engine_answer(struct pg_server *server)
{
    server->asking = false;
    return &server->ask;
}

void pg_server_done(struct pg_server *server)
{
    if (!server->asking)
        return;
    engine_answer(server);
    server->then(server);
}

void pg_server_rest(const struct pg_server *server, struct buf *to)
{
    const struct pg_reader *reader = &server->reader;

    if (reader->at < reader->in.size)
        buf_add(to, reader->in.data + reader->at, reader->in.size - reader->at);
    buf_add(to, server->later.data, server->later.size);
}

void pg_server_accept(struct pg_server *server)
{
    pg_server_done(server);
}

/* ---- ReadyForQuery */

static void put_ready(struct pg_server *server)
{
    size_t begun;

    parameters_report(server);
    notify_flush(server);
    begun = pg_begin(&server->out, 'Z');
    pg_put_byte(&server->out, pg_server_state(server));
    engine_end(server, begun);
    engine_flush(server);
    server->sync_due = false;
}

/* ---- errors */

static void put_error(struct pg_server *server, char type, const struct pg_error *error)
{
    size_t begun = server->out.size;

    pg_put_error(&server->out, type, error);
    if (server->out.failed)
        engine_end(server, begun);
    engine_flush(server); /* as the server does behind each */
}

static bool is_fatal(const struct pg_error *error)
{
    return error->severity &&
           (strcmp(error->severity, "FATAL") == 0 || strcmp(error->severity, "PANIC") == 0);
}

/* An error that a client meets before it is let in is fatal, whatever was said. */
static void fail_start(struct pg_server *server, const struct pg_error *error)
{
    struct pg_error fatal = *error;

    fatal.severity = "FATAL";
    if (server->welcome && (!error->sqlstate || (strcmp(error->sqlstate, "53300") != 0 &&
                                                 strcmp(error->sqlstate, "57P03") != 0)))
        start_authenticated(server);
    put_error(server, 'E', &fatal);
    server->phase = PG_OVER;
}

/* What was under way when the error came. */
static void drop_open(struct pg_server *server)
{
    bool commits = server->running && server->running->runs->is.kind == PG_SQL_COMMIT;

    if (server->running)
        execute_finished(server);
    prepared_release(server->parsing);
    server->parsing = server->describing = NULL;
    server->described = NULL;
    server->query = NULL;
    transaction_failed(server, commits);
}

void engine_fail(struct pg_server *server, const struct pg_error *error)
{
    if (server->phase < PG_SERVING) {
        fail_start(server, error);
        return;
    }
    put_error(server, 'E', error);
    drop_open(server);
    server->phase = is_fatal(error) || server->phase == PG_OVER ? PG_OVER : PG_SERVING;
    if (server->extended)
        server->skipping = true;
    else
        server->sync_due = true;
}

/* The server counts a position from the beginning of what the client sent. */
void pg_server_fail(struct pg_server *server, const struct pg_error *error)
{
    struct pg_error shifted = *error;
    bool syncs = server->asking && server->ask.kind == PG_ASK_SYNC;

    if (!server->asking && !is_fatal(error))
        return;
    if (server->asking && error->position > 0)
        shifted.position += server->shift;
    engine_answer(server);
    engine_fail(server, &shifted);
    if (syncs && server->phase == PG_SERVING)
        put_ready(server);
}

void engine_error(struct pg_server *server, const char *sqlstate, int position,
                  const char *format, ...)
{
    struct pg_error error = { .sqlstate = sqlstate, .position = position };
    va_list args;

    va_start(args, format);
    error.message = arena_vprintf(&server->turn, format, args);
    va_end(args);
    engine_fail(server, &error);
}

void engine_fatal(struct pg_server *server, const char *sqlstate, const char *format, ...)
{
    struct pg_error error = { .severity = "FATAL", .sqlstate = sqlstate };
    va_list args;

    va_start(args, format);
    error.message = arena_vprintf(&server->turn, format, args);
    va_end(args);
    put_error(server, 'E', &error);
    server->phase = PG_OVER;
}

void engine_warn(struct pg_server *server, const char *sqlstate, const char *text)
{
    struct pg_error notice = { .severity = "WARNING", .sqlstate = sqlstate, .message = text };

    pg_server_notice(server, &notice);
}

void pg_server_notice(struct pg_server *server, const struct pg_error *notice)
{
    if (parameter_wants_notice(server, notice->severity ? notice->severity : "NOTICE"))
        put_error(server, 'N', notice);
}

int engine_characters(const char *from, const char *to)
{
    int count = 0;

    for (; from < to; from++)
        count += ((unsigned char)*from & 0xc0) != 0x80;
    return count;
}

/* Whether something is missing or left over; says so. */
bool engine_body_is_wrong(struct pg_server *server, const struct pg_body *body)
{
    if (pg_body_is_over(body))
        return false;
    engine_error(server, "08P01", 0, "%s", body->failed ? body->why : "invalid message format");
    return true;
}

void engine_ready(struct pg_server *server)
{
    server->sync_due = true;
}

static void ask_sync(struct pg_server *server)
{
    transaction_end_implicit(server);
    server->sync_due = false;
    server->extended = false;
    engine_ask(server, PG_ASK_SYNC, put_ready);
}

/* ---- texts */

/* How long the character is; 0: it is none. */
static size_t character(const unsigned char *at, size_t size)
{
    size_t length = *at < 0x80                  ? 1
                    : *at >= 0xc2 && *at < 0xe0 ? 2
                    : *at >= 0xe0 && *at < 0xf0 ? 3
                                                : 4;

    if (length == 1)
        return *at ? 1 : 0;
    if (*at < 0xc2 || *at > 0xf4 || length > size)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((*at == 0xe0 && at[1] < 0xa0) || (*at == 0xed && at[1] > 0x9f) ||
        (*at == 0xf0 && at[1] < 0x90) || (*at == 0xf4 && at[1] > 0x8f))
        return 0;
    return length;
}

/* The server shows as many bytes as the first one says that there are. */
static void refuse_text(struct pg_server *server, const unsigned char *at, size_t size,
                        const char *where)
{
    size_t length = *at < 0xc0 ? 1 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : *at < 0xf8 ? 4 : 1;
    struct pg_error error = { .sqlstate = "22021", .where = where };
    struct buf words = BUF_INIT(200);

    buf_add_text(&words, "invalid byte sequence for encoding \"UTF8\": ");
    for (size_t i = 0; i < length && i < size; i++)
        buf_printf(&words, "%s0x%02x", i ? " " : "", at[i]);
    error.message = arena_dup(&server->turn, buf_text(&words));
    buf_fini(&words);
    engine_fail(server, &error);
}

/* Where it is no UTF-8; its end: nowhere. */
static const unsigned char *find_wrong(const unsigned char *at, const unsigned char *end)
{
    while (at < end) {
        size_t length = *at - 1u < 0x7f ? 1 : character(at, (size_t)(end - at));

        if (length == 0)
            break;
        at += length;
    }
    return at;
}

bool engine_text_is_right(const char *text, size_t size)
{
    const unsigned char *begin = (const unsigned char *)text, *end = begin + size;

    return find_wrong(begin, end) == end;
}

bool engine_text_is_wrong(struct pg_server *server, const char *text, size_t size,
                          const char *where)
{
    const unsigned char *begin = (const unsigned char *)text, *end = begin + size;
    const unsigned char *at = find_wrong(begin, end);

    if (at == end)
        return false;
    refuse_text(server, at, (size_t)(end - at), where);
    return true;
}

/* ---- the loop */

static void take_terminate(struct pg_server *server)
{
    server->phase = PG_OVER;
}

static void take_sync(struct pg_server *server)
{
    struct pg_body body = pg_body(&server->frame);

    if (!engine_body_is_wrong(server, &body))
        engine_ready(server);
}

static void take_flush(struct pg_server *server)
{
    struct pg_body body = pg_body(&server->frame);

    if (!engine_body_is_wrong(server, &body))
        engine_flush(server);
}

static void take_serving(struct pg_server *server)
{
    char type = server->frame.type;

    server->extended = type && strchr("PBDECH", type);
    if (type == 'S' || type == 'X')
        server->skipping = false;
    if (server->skipping)
        return;
    if (type == 'Q')
        simple_take(server);
    else if (type == 'S')
        take_sync(server);
    else if (type == 'H')
        take_flush(server);
    else if (type == 'X')
        engine_ask(server, PG_ASK_TERMINATE, take_terminate);
    else if (type == 'F')
        engine_error(server, "0A000", 0, "seam's double does not know function calls (PQfn)");
    else if (server->extended)
        extended_take(server);
    /* What is left is data of a COPY that has ended already. */
}

static void take_frame(struct pg_server *server)
{
    if (server->phase != PG_COPYING) /* the statement that began it is still there */
        arena_clear(&server->turn);
    if (server->phase == PG_STARTING)
        start_take(server);
    else if (server->phase < PG_SERVING)
        auth_take(server);
    else {
        if (server->watch)
            server->watch(server->watch_arg, &server->frame);
        if (server->phase == PG_COPYING)
            copy_take(server);
        else
            take_serving(server);
    }
}

/* The server looks at a type before it waits for the rest of the message. */
static bool type_is_wrong(struct pg_server *server)
{
    const struct pg_reader *reader = &server->reader;
    int type = reader->at < reader->in.size ? (unsigned char)reader->in.data[reader->at] : 0;

    if (!reader->started || reader->at == reader->in.size)
        return false;
    if (server->phase < PG_SERVING) {
        if (type == 'p')
            return false;
        engine_fatal(server, "08P01", "expected %s response, got message type %d",
                     server->phase == PG_PASSWORD ? "password" : "SASL", type);
    } else if (server->phase == PG_COPYING) {
        if (type && strchr("dcfSH", type))
            return false;
        copy_fail(server, "08P01",
                  arena_printf(&server->turn,
                               "unexpected message type 0x%02X during COPY from stdin",
                               (unsigned)type));
        engine_fatal(server, "08P01",
                     "terminating connection because protocol synchronization was lost");
    } else {
        if (type != 'p')
            return false;
        engine_fatal(server, "08P01", "invalid frontend message type %d", type);
    }
    return true;
}

static void take_wrong(struct pg_server *server)
{
    if (!server->reader.silent)
        engine_fatal(server, "08P01", "%s", server->reader.error);
    server->phase = PG_OVER;
}

static void take_later(struct pg_server *server)
{
    if (server->later.size == 0)
        return;
    if (pg_feed(&server->reader, server->later.data, server->later.size) < 0)
        server->phase = PG_OVER;
    buf_clear(&server->later);
}

/* One step on; false when there is nothing to be done without more bytes. */
static bool go_on(struct pg_server *server)
{
    if (server->query && server->phase != PG_COPYING)
        simple_go_on(server);
    else if (server->sync_due)
        ask_sync(server);
    else {
        enum pg_step step;

        take_later(server);
        if (server->phase == PG_OVER || type_is_wrong(server))
            return true;
        step = pg_next(&server->reader, &server->frame);
        if (step == PG_MORE)
            return false;
        if (step == PG_WRONG)
            take_wrong(server);
        else
            take_frame(server);
    }
    return true;
}

enum pg_server_step pg_server_next(struct pg_server *server, struct pg_ask **ret)
{
    do {
        if (server->phase == PG_OVER) {
            engine_flush(server);
            return PG_SERVER_END;
        }
        if (server->asking) {
            *ret = &server->ask;
            return PG_SERVER_ASK;
        }
        portals_bury(server);
        if (server->tls_due) {
            server->tls_due = false;
            return PG_SERVER_TLS;
        }
    } while (go_on(server));
    return PG_SERVER_MORE;
}
