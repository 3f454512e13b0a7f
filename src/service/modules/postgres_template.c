/* service/modules/postgres_template.c - a database for a test; see postgres_template.h. */

#include "service/modules/postgres_template.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/deadline.h"
#include "service/modules/postgres_clone.h"

enum { POOL_MAX = 128, FILLERS = 2, SPARE_ROOM = 24 << 20, ROOM_MAX_S = 30 };

struct template
{
    struct template *next;
    uint64_t hash;
    enum { TEMPLATE_NOT_MADE, TEMPLATE_MAKING, TEMPLATE_READY, TEMPLATE_FAILED } state;
    struct err error; /* why it failed */
    int result;
    int asked; /* by how many tests */
    struct clone_source source;
    char pool[POOL_MAX][POSTGRES_NAME]; /* clones made ahead */
    int pooled;
    int making; /* clones on their way into the pool */
    bool pool_failed; /* then nothing more is made ahead */
};

/* ---- making a template ------------------------------------------------------------------ */

static int say(struct err *err, int result, const char *what, const struct sql_error *error)
{
    struct buf text = BUF_INIT(sizeof err->text);

    sql_error_text(error, &text);
    err_set(err, result, "cannot %s: %s", what, buf_text(&text));
    buf_fini(&text);
    return result;
}

/* Run the scripts in the new database, then connect once more: that leaves the file from which later
 * connections to the clones read their catalogue. */
static int migrate(struct postgres_server *server, const char *name,
                   const struct scripts *scripts, struct err *err)
{
    struct buf conninfo = BUF_INIT(2048);
    struct sql_error error = { 0 };
    struct sql *sql = NULL;
    int r = 0;

    postgres_server_conninfo(server, name, &conninfo);
    for (int pass = 0; r == 0 && pass < 2; pass++) {
        r = sql_open(buf_text(&conninfo), &sql, &error);
        if (r < 0)
            say(err, r, "connect to the new database", &error);
        else if (pass == 0)
            r = scripts_run(scripts, sql, err);
        if (sql)
            sql_close_wait(sql);
        sql = NULL;
    }
    buf_fini(&conninfo);
    return r;
}

static int make(struct postgres_server *server, struct template *template,
                const struct scripts *scripts, struct err *err)
{
    const char *name = template->source.name;
    uint64_t begun = now_ns();
    struct sql_error error = { 0 };
    struct sql *sql = postgres_server_take(server, &error);
    int r;

    if (!sql)
        return say(err, -ENOTCONN, "reach the server", &error);
    r = sql_runf(sql, &error, "CREATE DATABASE %s TEMPLATE %s%s", name,
                 server->base[0] ? server->base : "template1", clone_strategy(server));
    if (r < 0)
        say(err, r, "make a template database", &error);
    if (r == 0)
        r = migrate(server, name, scripts, err);
    if (r == 0) {
        r = sql_runf(sql, &error,
                     "ALTER DATABASE %s WITH ALLOW_CONNECTIONS false IS_TEMPLATE true", name);
        if (r < 0)
            say(err, r, "seal the template database", &error);
    }
    if (r < 0)
        sql_runf(sql, &error, "DROP DATABASE IF EXISTS %s", name);
    else if (scripts->count > 0)
        keeper_note(server->keeper, "template '%s' migrated (%zu file%s, %.0f ms)",
                    scripts->label, scripts->count, scripts->count == 1 ? "" : "s",
                    (double)(now_ns() - begun) / 1e6);
    postgres_server_give(server, sql);
    return r;
}

static struct template *find(struct postgres_server *server, uint64_t hash)
{
    struct template *template = server->templates;

    while (template && template->hash != hash)
        template = template->next;
    if (template)
        return template;
    template = calloc(1, sizeof *template);
    if (template) {
        template->hash = hash;
        clone_source_init(&template->source, ++server->next_database);
        template->next = server->templates;
        server->templates = template;
    }
    return template;
}

/* Find the template or make it; count the test that asks. The first that wants an empty database needs
 * none: it stays TEMPLATE_NOT_MADE for it. The lock is held on entry and on return. */
static int find_or_make(struct postgres_server *server, const struct scripts *scripts,
                        struct template **ret, struct err *err)
{
    struct template *template = find(server, scripts->hash);

    if (!template)
        return err_set(err, -ENOMEM, "out of memory");
    template->asked++;
    if (template->state == TEMPLATE_NOT_MADE && (scripts->count > 0 || template->asked > 1)) {
        template->state = TEMPLATE_MAKING;
        pthread_mutex_unlock(&server->lock);
        template->result = make(server, template, scripts, &template->error);
        pthread_mutex_lock(&server->lock);
        template->state = template->result < 0 ? TEMPLATE_FAILED : TEMPLATE_READY;
        pthread_cond_broadcast(&server->changed);
    }
    while (template->state == TEMPLATE_MAKING)
        pthread_cond_wait(&server->changed, &server->lock);
    if (template->state == TEMPLATE_FAILED)
        return err_set(err, template->result, "%s", template->error.text);
    *ret = template;
    return 0;
}

/* ---- room ------------------------------------------------------------------------------- */

static bool has_room(const struct postgres_server *server, uint64_t need)
{
    struct statvfs fs;

    return statvfs(server->data, &fs) < 0 || fs.f_bavail * (uint64_t)fs.f_frsize >= need;
}

/* Drop one database whose test has ended. False when there is none. The lock is held on entry and on
 * return. */
static bool drop_finished(struct postgres_server *server, struct sql *sql)
{
    struct sql_error error;
    char *name;

    if (server->finished_count == 0)
        return false;
    name = server->finished[--server->finished_count];
    pthread_mutex_unlock(&server->lock);
    sql_runf(sql, &error, "DROP DATABASE IF EXISTS %s%s", name,
             server->number >= 130000 ? " WITH (FORCE)" : "");
    free(name);
    pthread_mutex_lock(&server->lock);
    return true;
}

/* Wait until a test gives its database back. False when nobody will, or not in time. */
static bool await_finished(struct postgres_server *server, const struct timespec *until)
{
    return server->in_use > 0 &&
           pthread_cond_timedwait(&server->changed, &server->lock, until) == 0;
}

/* Speak for the room that a clone takes. A server whose disk is full crashes, so some is left for its
 * log. A clone made ahead leaves room for those that tests wait for; they make room for themselves by
 * dropping what is finished, or wait for it. */
static int claim_room(struct postgres_server *server, struct template *template,
                      struct sql *sql, bool ahead)
{
    const uint64_t size = clone_size(&template->source);
    const int others = ahead ? server->keeper->parallel : 0;
    struct timespec until;
    int r = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ROOM_MAX_S;
    pthread_mutex_lock(&server->lock);
    while (r == 0 &&
           !has_room(server, (uint64_t)(server->cloning + others + 1) * size + SPARE_ROOM))
        if (ahead || (!drop_finished(server, sql) && !await_finished(server, &until)))
            r = -ENOSPC;
    server->cloning += r == 0;
    pthread_mutex_unlock(&server->lock);
    return r;
}

static void give_room_back(struct postgres_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->cloning--;
    pthread_mutex_unlock(&server->lock);
}

static int make_clone(struct postgres_server *server, struct template *template,
                      const char *name, bool ahead, struct err *err)
{
    struct sql_error error = { 0 };
    struct sql *sql = postgres_server_take(server, &error);
    int r;

    if (!sql)
        return say(err, -ENOTCONN, "reach the server", &error);
    r = claim_room(server, template, sql, ahead);
    if (r == 0) {
        r = clone_make(server, &template->source, sql, name, err);
        give_room_back(server);
    }
    postgres_server_give(server, sql);
    if (r == -ENOSPC)
        err_set(
            err, r,
            "no room for one more database on the file system of '%s' (%s)\n    try: more room "
            "there, or fewer tests at once (-parallel)",
            server->data, server->on_tmpfs ? "tmpfs" : "disk");
    return r;
}

/* ---- clones made ahead ------------------------------------------------------------------ */

/* As many as tests have asked so far, so that two tests do not pay for sixteen clones. SEAM_POOL=0: none
 * is made ahead, so that each test pays for its own and no processor is taken from others for it. */
static int pool_goal(const struct postgres_server *server, const struct template *template)
{
    const char *wanted = getenv("SEAM_POOL");
    int most = wanted && strcmp(wanted, "0") == 0 ? 0 : 2 * server->keeper->parallel;

    if (most > POOL_MAX)
        most = POOL_MAX;
    return template->asked < 2 || template->pool_failed ? 0
           : template->asked < most                     ? template->asked
                                                        : most;
}

static struct template *that_needs_more(struct postgres_server *server)
{
    for (struct template *template = server->templates; template; template = template->next)
        if (template->state == TEMPLATE_READY &&
            template->pooled + template->making < pool_goal(server, template))
            return template;
    return NULL;
}

static void *fill(void *arg)
{
    struct postgres_server *server = arg;
    char name[POSTGRES_NAME];

    pthread_mutex_lock(&server->lock);
    while (!server->ending) {
        struct template *template = that_needs_more(server);
        int r;

        if (!template) {
            pthread_cond_wait(&server->changed, &server->lock);
            continue;
        }
        template->making++;
        snprintf(name, sizeof name, "seam_ahead_%d", ++server->next_database);
        pthread_mutex_unlock(&server->lock);
        r = make_clone(server, template, name, true, NULL);
        pthread_mutex_lock(&server->lock);
        template->making--;
        if (r == 0)
            memcpy(template->pool[template->pooled++], name, sizeof name);
        else
            template->pool_failed = true;
    }
    server->fillers--;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

/* Called with the lock held. */
static void want_more(struct postgres_server *server)
{
    pthread_t thread;

    if (!that_needs_more(server))
        return;
    if (server->fillers < FILLERS && pthread_create(&thread, NULL, fill, server) == 0) {
        pthread_detach(thread);
        server->fillers++;
    }
    pthread_cond_broadcast(&server->changed);
}

/* ---- leases ----------------------------------------------------------------------------- */

/* "orders/create" and 7 become "orders_create_7": a name that needs no quotes, and is not too long. */
static void name_database(const char *test, int number, char ret[POSTGRES_NAME])
{
    char tail[16];
    size_t room, n = 0;

    snprintf(tail, sizeof tail, "_%d", number);
    room = POSTGRES_NAME - 1 - strlen(tail);
    if (!isalpha((unsigned char)test[0]))
        ret[n++] = 't';
    for (; *test && n < room; test++)
        ret[n++] =
            isalnum((unsigned char)*test) && !(*test & 0x80) ? (char)tolower(*test) : '_';
    memcpy(ret + n, tail, strlen(tail) + 1);
}

/* Give a clone that was made ahead its test's name. */
static int rename_clone(struct postgres_server *server, const char *from, const char *to)
{
    struct sql_error error;
    struct sql *sql = postgres_server_take(server, &error);
    int r = sql ? sql_runf(sql, &error, "ALTER DATABASE %s RENAME TO %s", from, to) : -ENOTCONN;

    postgres_server_give(server, sql);
    return r;
}

/* A database is no longer in use, or was never made. */
static void put_back(struct postgres_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->in_use--;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

/* Make the database of a test: one made ahead gets its name, else it is made now. */
static int make_named(struct postgres_server *server, struct template *template,
                      const char *ahead, const char *name, struct err *err)
{
    struct sql_error error = { 0 };
    struct sql *sql;
    int r;

    if (ahead[0] && rename_clone(server, ahead, name) == 0)
        return 0;
    if (template)
        return make_clone(server, template, name, false, err);
    sql = postgres_server_take(server, &error);
    r = sql ? clone_by_server(server, sql, server->base[0] ? server->base : "template0", name,
                              err)
            : say(err, -ENOTCONN, "reach the server", &error);
    postgres_server_give(server, sql);
    return r;
}

int postgres_database(struct postgres_server *server, const struct scripts *scripts,
                      const char *test, char ret_name[POSTGRES_NAME], struct err *err)
{
    struct template *template = NULL;
    char name[POSTGRES_NAME], ahead[POSTGRES_NAME] = "";
    int r;

    pthread_mutex_lock(&server->lock);
    r = find_or_make(server, scripts, &template, err);
    if (r == 0) {
        name_database(test, ++server->next_database, name);
        server->in_use++;
        if (template->pooled > 0)
            memcpy(ahead, template->pool[--template->pooled], sizeof ahead);
        if (template->state == TEMPLATE_NOT_MADE)
            template = NULL; /* the first that wants an empty one */
        want_more(server);
    }
    pthread_mutex_unlock(&server->lock);
    if (r < 0)
        return r;
    r = make_named(server, template, ahead, name, err);
    if (r == 0)
        memcpy(ret_name, name, sizeof name);
    else
        put_back(server);
    return r;
}

void postgres_database_finished(struct postgres_server *server, const char *name)
{
    char **finished;

    pthread_mutex_lock(&server->lock);
    finished = realloc(server->finished, (server->finished_count + 1) * sizeof *finished);
    if (finished) {
        server->finished = finished;
        finished[server->finished_count] = strdup(name);
        server->finished_count += finished[server->finished_count] != NULL;
    }
    pthread_mutex_unlock(&server->lock);
    put_back(server);
}

void postgres_templates_free(struct postgres_server *server)
{
    struct template *next;

    pthread_mutex_lock(&server->lock);
    server->ending = true;
    pthread_cond_broadcast(&server->changed);
    while (server->fillers > 0)
        pthread_cond_wait(&server->changed, &server->lock);
    for (struct template *template = server->templates; template; template = next) {
        next = template->next;
        clone_source_fini(&template->source);
        free(template);
    }
    for (size_t i = 0; i < server->finished_count; i++)
        free(server->finished[i]);
    free(server->finished);
    server->templates = NULL;
    server->finished = NULL;
    server->finished_count = 0;
    pthread_mutex_unlock(&server->lock);
}
