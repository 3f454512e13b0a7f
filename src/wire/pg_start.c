/* wire/pg_start.c - the beginning of a PostgreSQL session: requests for encryption, versions, the start-up packet. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "wire/pg_engine.h"

enum {
    MAJOR = 3,
    NAME_MAX_SIZE = 63, /* of users and databases; what is longer is cut */
    LONG_KEY_SIZE = 32 /* of protocol 3.2 */
};

/* ---- in front of it */

static void answer_encryption(struct pg_server *server, char answer)
{
    buf_add_char(&server->out, answer);
    engine_flush(server);
}

/* What came behind the request was sent before the client could know the answer: somebody may have put it there. */
static void refuse_stuffing(struct pg_server *server, const char *what)
{
    struct pg_error error = { .severity = "FATAL", .sqlstate = "08P01" };

    if (server->reader.at == server->reader.in.size)
        return;
    error.message =
        arena_printf(&server->turn, "received unencrypted data after %s request", what);
    error.detail = "This could be either a client-software bug or evidence of an attempted "
                   "man-in-the-middle attack.";
    engine_fail(server, &error);
}

static void take_ssl(struct pg_server *server)
{
    server->ssl_over = true;
    server->gss_over = server->options.tls;
    answer_encryption(server, server->options.tls ? 'S' : 'N');
    refuse_stuffing(server, "SSL");
    server->tls_due = server->options.tls && server->phase != PG_OVER;
}

static void take_gss(struct pg_server *server)
{
    server->gss_over = true;
    answer_encryption(server, 'N');
    refuse_stuffing(server, "GSSAPI encryption");
}

static void cancelled(struct pg_server *server)
{
    server->phase = PG_OVER;
}

static void take_cancel(struct pg_server *server, struct pg_body *body)
{
    int pid = pg_get_int32(body);
    uint32_t key = (uint32_t)pg_get_int32(body);

    if (body->failed) {
        server->phase = PG_OVER;
        return;
    }
    engine_ask(server, PG_ASK_CANCEL, cancelled);
    server->ask.pid = pid;
    server->ask.key = key;
}

/* ---- the packet */

static int highest_minor(const struct pg_server *server)
{
    return engine_major(server) >= 18 ? 2 : 0;
}

static bool is_extension(const char *name)
{
    return strncmp(name, "_pq_.", 5) == 0;
}

/* The pairs as the packet has them; false when it does not end as it has to. */
static bool read_pairs(struct pg_server *server, const char *at, size_t size)
{
    const char *copy = arena_copy(&server->arena, at, size), *end = copy + size, *p = copy;
    size_t count = 0;

    server->pairs = arena_zero(&server->arena, (size + 3) * sizeof *server->pairs);
    while (p < end && *p) {
        const char *value = p + strlen(p) + 1;

        if (value >= end)
            break;
        server->pairs[count++] = p;
        server->pairs[count++] = value;
        p = value + strlen(value) + 1;
    }
    return p == end - 1;
}

/* Tell which version is spoken, and which extensions are unknown: all of them. Out of `pairs` they go. */
static void negotiate(struct pg_server *server, int minor)
{
    size_t begun = server->out.size, kept = 0, count = 0;
    const char **pairs = server->pairs;

    server->minor = minor > highest_minor(server) ? highest_minor(server) : minor;
    for (size_t i = 0; pairs[i]; i += 2)
        count += is_extension(pairs[i]);
    if (minor > server->minor || count > 0) {
        pg_begin(&server->out, 'v');
        pg_put_int32(&server->out, MAJOR << 16 | highest_minor(server));
        pg_put_int32(&server->out, (int32_t)count);
        for (size_t i = 0; pairs[i]; i += 2)
            if (is_extension(pairs[i]))
                pg_put_text(&server->out, pairs[i]);
        engine_end(server, begun);
    }
    for (size_t i = 0; pairs[i]; i += 2)
        if (!is_extension(pairs[i])) {
            pairs[kept] = pairs[i];
            pairs[kept + 1] = pairs[i + 1];
            kept += 2;
        }
    pairs[kept] = NULL;
}

static const char *cut_name(struct pg_server *server, const char *name)
{
    return strlen(name) > NAME_MAX_SIZE ? arena_copy(&server->arena, name, NAME_MAX_SIZE)
                                        : name;
}

static void name_pairs(struct pg_server *server)
{
    struct pg_start *start = &server->start;

    *start = (struct pg_start){ .pairs = server->pairs };
    for (const char **pair = server->pairs; *pair; pair += 2) {
        if (strcmp(*pair, "user") == 0)
            start->user = cut_name(server, pair[1]);
        else if (strcmp(*pair, "database") == 0)
            start->database = cut_name(server, pair[1]);
        else if (strcmp(*pair, "application_name") == 0)
            start->application = pair[1];
        else if (strcmp(*pair, "options") == 0)
            start->options = pair[1];
    }
    if (!start->database || !*start->database)
        start->database = start->user;
}

static bool is_one_of(const char *text, const char *const *words)
{
    while (*words && strcasecmp(*words, text) != 0)
        words++;
    return *words != NULL;
}

static bool refuse_replication(struct pg_server *server)
{
    static const char *const no[] = { "false", "off", "no", "0", NULL };
    static const char *const yes[] = { "database", "true", "on", "yes", "1", NULL };
    struct pg_error error = {
        .severity = "FATAL",
        .sqlstate = "22023",
        .hint = "Valid values are: \"false\", 0, \"true\", 1, \"database\".",
    };

    for (const char **pair = server->pairs; *pair; pair += 2) {
        if (strcmp(*pair, "replication") != 0 || is_one_of(pair[1], no))
            continue;
        if (is_one_of(pair[1], yes)) {
            engine_fatal(server, "0A000", "seam's double does not know replication");
            return true;
        }
        error.message = arena_printf(
            &server->turn, "invalid value for parameter \"replication\": \"%s\"", pair[1]);
        engine_fail(server, &error);
        return true;
    }
    return false;
}

static void take_packet(struct pg_server *server, int minor)
{
    if (!read_pairs(server, server->frame.body + 4, server->frame.size - 4)) {
        engine_fatal(server, "08P01",
                     "invalid startup packet layout: expected terminator as last byte");
        return;
    }
    if (refuse_replication(server))
        return;
    negotiate(server, minor);
    name_pairs(server);
    if (!server->start.user || !*server->start.user) {
        engine_fatal(server, "28000", "no PostgreSQL user name specified in startup packet");
        return;
    }
    server->reader.started = true;
    if (server->watch)
        server->watch(server->watch_arg, &server->frame);
    auth_begin(server);
}

/* A client older than protocol 3.0 gets the text in the old form: without length and fields. */
static void refuse_version(struct pg_server *server, uint32_t code)
{
    const char *words = arena_printf(
        &server->turn, "unsupported frontend protocol %u.%u: server supports %d.0 to %d.%d",
        code >> 16, code & 0xffff, MAJOR, MAJOR, highest_minor(server));

    if (code >> 16 > MAJOR) {
        engine_fatal(server, "0A000", "%s", words);
        return;
    }
    pg_put_text(&server->out, arena_printf(&server->turn, "EFATAL:  %s\n", words));
    server->phase = PG_OVER;
}

void start_take(struct pg_server *server)
{
    struct pg_body body = pg_body(&server->frame);
    int32_t code = pg_get_int32(&body);

    if (code == PG_CANCEL_REQUEST)
        take_cancel(server, &body);
    else if (code == PG_SSL_REQUEST && !server->ssl_over)
        take_ssl(server);
    else if (code == PG_GSS_REQUEST && !server->gss_over)
        take_gss(server);
    else if (code >> 16 != MAJOR)
        refuse_version(server, (uint32_t)code);
    else
        take_packet(server, code & 0xffff);
}

/* ---- behind it */

void start_authenticated(struct pg_server *server)
{
    size_t begun = pg_begin(&server->out, 'R');

    pg_put_int32(&server->out, 0);
    engine_end(server, begun);
    server->welcome = false;
}

/* From protocol 3.2 on the key is longer; what is behind its first four bytes says nothing. */
static void put_key(struct pg_server *server)
{
    size_t begun = pg_begin(&server->out, 'K');
    uint32_t key = server->options.key;

    pg_put_int32(&server->out, server->options.pid);
    pg_put_int32(&server->out, (int32_t)key);
    for (int i = 4; server->minor >= 2 && i < LONG_KEY_SIZE; i += 4)
        pg_put_int32(&server->out, (int32_t)(key ^ (uint32_t)i));
    engine_end(server, begun);
}

void start_accepted(struct pg_server *server)
{
    if (server->welcome)
        start_authenticated(server);
    if (!parameters_start(server))
        return;
    put_key(server);
    server->phase = PG_SERVING;
    engine_ready(server);
}
