/* lease/postgres.c - a PostgreSQL database for a test; see seam/postgres.h. */

#include "seam/postgres.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lease/lease.h"
#include "lease/postgres.h"
#include "test/t.h"

struct seam_postgres {
    struct lease *lease;
    const char *conninfo, *url, *host, *database, *user, *password, *version, *ca_file;
    int port;
};

static void write_request(seam_t *t, const seam_postgres_options *options, struct buf *frame)
{
    lease_request(frame, "postgres.start");
    message_add_text(frame, "test", seam_name(t));
    lease_add_tier(t, options->site, "postgres", frame);
    message_add_text(frame, "version", options->version);
    message_add_text(frame, "image", options->image);
    for (int i = 0; i < SEAM_POSTGRES_SETTINGS && options->env[i]; i++)
        message_add_text(frame, "env", options->env[i]);
    lease_add_path(t, options->site, "init", options->init, frame);
    if (options->migrations)
        message_add_text(frame, "migrations",
                         t_source_path(t, options->site, options->migrations));
    if (options->seed)
        message_add_text(frame, "seed", t_source_path(t, options->site, options->seed));
    lease_add_path(t, options->site, "config", options->config, frame);
    if (options->tls)
        message_add_int(frame, "tls", 1);
    if (options->private_server)
        message_add_int(frame, "private", 1);
    for (int i = 0; i < SEAM_POSTGRES_SETTINGS && options->settings[i]; i++)
        message_add_text(frame, "setting", options->settings[i]);
    message_end(frame, 0);
}

static void check_settings(seam_t *t, const seam_postgres_options *options)
{
    for (int i = 0; i < SEAM_POSTGRES_SETTINGS && options->settings[i]; i++)
        if (!strchr(options->settings[i], '='))
            seam_fatal_at(t, options->site, "the setting '%s' is not of the form name=value",
                          options->settings[i]);
    for (int i = 0; i < SEAM_POSTGRES_SETTINGS && options->env[i]; i++)
        if (!strchr(options->env[i], '=') || options->env[i][0] == '=')
            seam_fatal_at(t, options->site, "'%s' in .env is not of the form NAME=value",
                          options->env[i]);
}

static void take_answer(seam_postgres *pg, const struct message *answer)
{
    pg->conninfo = lease_text(pg->lease, answer, "conninfo");
    pg->url = lease_text(pg->lease, answer, "url");
    pg->host = lease_text(pg->lease, answer, "host");
    pg->database = lease_text(pg->lease, answer, "database");
    pg->user = lease_text(pg->lease, answer, "user");
    pg->password = lease_text(pg->lease, answer, "password");
    pg->version = lease_text(pg->lease, answer, "version");
    pg->ca_file = lease_text(pg->lease, answer, "ca_file");
    pg->port = (int)message_int(answer, "port", 0);
}

seam_postgres *seam_postgres_start_at(seam_t *t, const seam_postgres_options *options)
{
    seam_postgres *pg = arena_zero(t_arena(t), sizeof *pg);
    struct message answer;
    struct buf frame;

    check_settings(t, options);
    write_request(t, options, &frame);
    pg->lease = lease_start(t, options->site, "postgres", &frame, &answer);
    buf_fini(&frame);
    take_answer(pg, &answer);
    lease_show_log(pg->lease);
    return pg;
}

int postgres_try(seam_t *t, const seam_postgres_options *options, seam_postgres **ret,
                 const char **ret_why)
{
    seam_postgres *pg = arena_zero(t_arena(t), sizeof *pg);
    struct message answer;
    struct buf frame;
    int r;

    write_request(t, options, &frame);
    r = lease_try(t, options->site, "postgres", &frame, &pg->lease, &answer, ret_why);
    buf_fini(&frame);
    if (r < 0)
        return r;
    take_answer(pg, &answer);
    *ret = pg;
    return 0;
}

const char *seam_postgres_conninfo(const seam_postgres *pg)
{
    return pg->conninfo;
}

const char *seam_postgres_url(const seam_postgres *pg)
{
    return pg->url;
}

const char *seam_postgres_host(const seam_postgres *pg)
{
    return pg->host;
}

int seam_postgres_port(const seam_postgres *pg)
{
    return pg->port;
}

const char *seam_postgres_database(const seam_postgres *pg)
{
    return pg->database;
}

const char *seam_postgres_user(const seam_postgres *pg)
{
    return pg->user;
}

const char *seam_postgres_password(const seam_postgres *pg)
{
    return pg->password;
}

const char *seam_postgres_version(const seam_postgres *pg)
{
    return pg->version;
}

const char *seam_postgres_ca_file(const seam_postgres *pg)
{
    if (!*pg->ca_file)
        seam_fatal_at(pg->lease->t, pg->lease->site, "postgres: it was started without .tls");
    return pg->ca_file;
}

/* Send one statement by `verb` and get the answer; an error ends the test. */
static void ask(seam_postgres *pg, seam_site at, const char *verb, const char *statement,
                struct message *ret)
{
    struct buf frame;
    int r;

    lease_request(&frame, verb);
    message_add_text(&frame, "sql", statement);
    message_end(&frame, 0);
    r = lease_ask(pg->lease, at, &frame, ret);
    buf_fini(&frame);
    if (r < 0)
        seam_fatal_at(pg->lease->t, at, "%s\n    statement: %s",
                      lease_text(pg->lease, ret, "error"), statement);
}

void seam_postgres_exec_at(seam_postgres *pg, seam_site at, const char *format, ...)
{
    struct message answer;
    const char *statement;
    va_list args;

    va_start(args, format);
    statement = arena_vprintf(t_arena(pg->lease->t), format, args);
    va_end(args);
    ask(pg, at, "exec", statement, &answer);
}

const char *seam_postgres_value_at(seam_postgres *pg, seam_site at, const char *format, ...)
{
    struct message answer;
    const char *statement;
    va_list args;

    va_start(args, format);
    statement = arena_vprintf(t_arena(pg->lease->t), format, args);
    va_end(args);
    ask(pg, at, "value", statement, &answer);
    if (message_int(&answer, "norow", 0) != 0)
        seam_fatal_at(pg->lease->t, at, "no row, one is wanted\n    statement: %s", statement);
    if (message_int(&answer, "null", 0) != 0)
        seam_fatal_at(pg->lease->t, at, "the value is NULL\n    statement: %s", statement);
    return lease_text(pg->lease, &answer, "value");
}

void seam_postgres_stop_at(seam_postgres *pg, seam_site at)
{
    lease_do(pg->lease, at, "stop", "stop");
}

void seam_postgres_restart_at(seam_postgres *pg, seam_site at)
{
    lease_do(pg->lease, at, "start", "restart");
}

void seam_postgres_pause_at(seam_postgres *pg, seam_site at)
{
    lease_do(pg->lease, at, "pause", "pause");
}

void seam_postgres_resume_at(seam_postgres *pg, seam_site at)
{
    lease_do(pg->lease, at, "continue", "resume");
}

void seam_postgres_snapshot_at(seam_postgres *pg, seam_site at)
{
    lease_do(pg->lease, at, "snapshot", "make a snapshot of");
}

void seam_postgres_restore_at(seam_postgres *pg, seam_site at)
{
    lease_do(pg->lease, at, "restore", "restore");
}
