/* service/modules/postgres_snapshot.c - copies of a test's database; see postgres_snapshot.h. */

#include "service/modules/postgres_snapshot.h"

#include <errno.h>
#include <stdio.h>

#include "service/modules/postgres_clone.h"

static int say(struct err *err, int result, const char *what, const struct sql_error *error)
{
    struct buf text = BUF_INIT(1500);

    sql_error_text(error, &text);
    err_set(err, result, "cannot %s: %s", what, buf_text(&text));
    buf_fini(&text);
    return result;
}

/* A database that is copied or dropped must have no connections. */
static int cut(struct sql *sql, const char *database, struct sql_error *error)
{
    return sql_runf(sql, error,
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = '%s' AND pid <> pg_backend_pid()",
                    database);
}

static int copy(struct postgres_server *server, struct sql *sql, const char *from,
                const char *to, struct sql_error *error)
{
    int r = cut(sql, from, error);

    if (r == 0)
        r = cut(sql, to, error);
    if (r == 0)
        r = sql_runf(sql, error, "DROP DATABASE IF EXISTS %s", to);
    if (r == 0)
        r = sql_runf(sql, error, "CREATE DATABASE %s TEMPLATE %s%s", to, from,
                     clone_strategy(server));
    return r;
}

static int do_copy(struct postgres_server *server, const char *from, const char *to,
                   const char *what, struct err *err)
{
    struct sql_error error = { 0 };
    struct sql *sql = postgres_server_take(server, &error);
    int r = sql ? copy(server, sql, from, to, &error) : -ENOTCONN;

    if (r < 0)
        say(err, r, what, &error);
    postgres_server_give(server, sql);
    return r;
}

int postgres_snapshot(struct postgres_server *server, const char *database,
                      char name[POSTGRES_NAME], struct err *err)
{
    if (!name[0]) {
        pthread_mutex_lock(&server->lock);
        snprintf(name, POSTGRES_NAME, "seam_snapshot_%d", ++server->next_database);
        pthread_mutex_unlock(&server->lock);
    }
    return do_copy(server, database, name, "make a snapshot", err);
}

int postgres_restore(struct postgres_server *server, const char *database, const char *name,
                     struct err *err)
{
    if (!name[0])
        return err_set(err, -ENOENT, "there is no snapshot; call seam_postgres_snapshot first");
    return do_copy(server, name, database, "restore the snapshot", err);
}

void postgres_snapshot_drop(struct postgres_server *server, const char *name)
{
    struct sql_error error;
    struct sql *sql = name[0] ? postgres_server_take(server, &error) : NULL;

    if (sql)
        sql_runf(sql, &error, "DROP DATABASE IF EXISTS %s", name);
    postgres_server_give(server, sql);
}
