/* wire/pg_auth.c - who is it? Trust, a password in clear, SCRAM-SHA-256. */

#include <string.h>

#include "wire/pg_engine.h"

enum { AUTH_CLEARTEXT = 3, AUTH_SASL = 10, AUTH_SASL_CONTINUE = 11, AUTH_SASL_FINAL = 12 };

static void ask_start(struct pg_server *server)
{
    server->welcome = true;
    engine_ask(server, PG_ASK_START, start_accepted);
    server->ask.start = &server->start;
}

static bool knows_user(const struct pg_server *server)
{
    return !server->options.user || strcmp(server->options.user, server->start.user) == 0;
}

/* The same words for a wrong user: who asks shall not learn which it was. */
static void refuse(struct pg_server *server)
{
    engine_fatal(server, "28P01", "password authentication failed for user \"%s\"",
                 server->start.user);
}

static void put_request(struct pg_server *server, int code, const void *data, size_t size)
{
    size_t begun = pg_begin(&server->out, 'R');

    pg_put_int32(&server->out, code);
    buf_add(&server->out, data, size);
    engine_end(server, begun);
    engine_flush(server);
}

void auth_begin(struct pg_server *server)
{
    static const char mechanisms[] = PG_SCRAM_NAME "\0";

    if (server->options.auth == PG_AUTH_TRUST)
        ask_start(server);
    else if (server->options.auth == PG_AUTH_CLEARTEXT) {
        server->phase = PG_PASSWORD;
        put_request(server, AUTH_CLEARTEXT, NULL, 0);
    } else {
        server->phase = PG_SASL_FIRST;
        put_request(server, AUTH_SASL, mechanisms, sizeof mechanisms);
    }
}

static bool body_is_wrong(struct pg_server *server, const struct pg_body *body)
{
    if (pg_body_is_over(body))
        return false;
    engine_fatal(server, "08P01", "%s", body->failed ? body->why : "invalid message format");
    return true;
}

static void take_password(struct pg_server *server)
{
    struct pg_body body = pg_body(&server->frame);
    const char *password = pg_get_text(&body);

    if (body.failed || body.at != body.end)
        engine_fatal(server, "08P01", "invalid password packet size");
    else if (!*password)
        engine_fatal(server, "28P01", "empty password returned by client");
    else if (!knows_user(server) || !server->options.password ||
             strcmp(password, server->options.password) != 0)
        refuse(server);
    else
        ask_start(server);
}

static void scram_refused(struct pg_server *server, int r)
{
    const struct pg_scram *scram = server->scram;
    struct pg_error error = { .severity = "FATAL",
                              .sqlstate = scram->sqlstate,
                              .message = scram->message,
                              .detail = scram->detail[0] ? scram->detail : NULL };

    if (r == PG_SCRAM_WRONG)
        refuse(server);
    else
        engine_fail(server, &error);
}

static void take_sasl_first(struct pg_server *server)
{
    struct pg_body body = pg_body(&server->frame);
    const char *mechanism = pg_get_text(&body);
    int32_t size = pg_get_int32(&body);
    const char *data = size == -1 ? NULL : pg_get_bytes(&body, (size_t)(uint32_t)size);
    const struct pg_server_options *options = &server->options;
    struct buf reply = BUF_INIT(PG_SCRAM_MAX);
    int r;

    if (body_is_wrong(server, &body))
        return;
    if (strcmp(mechanism, PG_SCRAM_NAME) != 0) {
        engine_fatal(server, "08P01",
                     "client selected an invalid SASL authentication mechanism");
        return;
    }
    server->scram = arena_zero(&server->arena, sizeof *server->scram);
    pg_scram_init(server->scram, options->hash, options->random, options->password,
                  knows_user(server));
    r = pg_scram_first(server->scram, data, data ? (size_t)size : 0, &reply);
    if (r == 0) {
        put_request(server, AUTH_SASL_CONTINUE, buf_text(&reply), reply.size);
        server->phase = PG_SASL_LAST;
    } else
        scram_refused(server, r);
    buf_fini(&reply);
}

static void take_sasl_last(struct pg_server *server)
{
    struct buf reply = BUF_INIT(PG_SCRAM_MAX);
    int r = pg_scram_last(server->scram, server->frame.body, server->frame.size, &reply);

    if (r == 0) {
        put_request(server, AUTH_SASL_FINAL, buf_text(&reply), reply.size);
        ask_start(server);
    } else
        scram_refused(server, r);
    buf_fini(&reply);
}

void auth_take(struct pg_server *server)
{
    if (server->phase == PG_PASSWORD)
        take_password(server);
    else if (server->phase == PG_SASL_FIRST)
        take_sasl_first(server);
    else
        take_sasl_last(server);
}
