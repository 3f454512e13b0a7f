/* service/modules/postgres_box.c - a PostgreSQL server in a container; see postgres_box.h. */

#include "service/modules/postgres_box.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/map.h"
#include "service/modules/box_image.h"
#include "service/modules/postgres_init.h"

enum {
    START_MAX_MS = 120000,
    WORDS_ROOM = 1024,
    ENVIRONMENT = 48,
    PORT = 5432,
    NAME_ROOM = 256
};

/* A part of the key: to be changed with anything below that changes what is committed. */
#define LAYOUT "1"

/* Outside of the volume that the image declares, as volumes are no part of a committed image. */
#define DATA "/srv/seam-postgres"

/* One start: of the official image with its scripts, or of what that has left. */
struct boxing {
    struct postgres_server *server;
    const struct postgres_wish *wish;
    const char **ret_remedy;
    struct arena arena;
    const char *image;
    const char *env[ENVIRONMENT + 1];
    size_t env_count;
    bool has_password; /* the test gives it */
    char made[NAME_ROOM]; /* the image of ours */
};

/* ---- what the image is told ------------------------------------------------------------- */

static const char *given(const struct postgres_wish *wish, const char *name)
{
    size_t size = strlen(name);

    for (const char *const *at = wish->env; at && *at; at++)
        if (strncmp(*at, name, size) == 0 && (*at)[size] == '=')
            return *at + size + 1;
    return NULL;
}

static void say(struct boxing *boxing, const char *name, const char *value)
{
    if (boxing->env_count < ENVIRONMENT)
        boxing->env[boxing->env_count++] = arena_printf(&boxing->arena, "%s=%s", name, value);
}

static void say_unless_given(struct boxing *boxing, const char *name, const char *value)
{
    if (!given(boxing->wish, name))
        say(boxing, name, value);
}

/* It stands in statements and in the names that tests get. */
static bool is_plain(const char *name)
{
    return *name && strlen(name) < POSTGRES_NAME &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
               strlen(name);
}

static int take_name(const char *variable, const char *value, char ret[POSTGRES_NAME],
                     struct err *err)
{
    if (!is_plain(value))
        return err_set(err, -EINVAL, "%s=%s in .env: only letters, digits and _ are taken here",
                       variable, value);
    snprintf(ret, POSTGRES_NAME, "%s", value);
    return 0;
}

static int new_password(struct postgres_server *server, struct err *err)
{
    unsigned char bytes[sizeof server->password / 2];

    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return err_set(err, -EIO, "cannot get random bytes");
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(server->password + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

static int take_password(struct boxing *boxing, struct err *err)
{
    struct postgres_server *server = boxing->server;
    const char *password = given(boxing->wish, "POSTGRES_PASSWORD");

    boxing->has_password = password != NULL;
    if (!password)
        return new_password(server, err);
    if (!is_plain(password) || strlen(password) >= sizeof server->password)
        return err_set(err, -EINVAL,
                       "POSTGRES_PASSWORD in .env: at most %zu letters, digits and _ are taken "
                       "here",
                       sizeof server->password - 1);
    snprintf(server->password, sizeof server->password, "%s", password);
    return 0;
}

/* The database that scripts fill, of which tests get clones. Nobody may be connected to one that is cloned, and we are
 * to `postgres`. */
static int take_base(struct boxing *boxing, struct err *err)
{
    const char *base = given(boxing->wish, "POSTGRES_DB");

    if (!base && !boxing->wish->init)
        return 0;
    if (base && strcmp(base, "postgres") == 0)
        return err_set(err, -EINVAL,
                       "POSTGRES_DB=postgres in .env: tests get clones of that database; try "
                       "another name");
    if (!base)
        say(boxing, "POSTGRES_DB", "app");
    return take_name("POSTGRES_DB", base ? base : "app", boxing->server->base, err);
}

static int tell_image(struct boxing *boxing, struct err *err)
{
    const struct postgres_wish *wish = boxing->wish;
    const char *user = given(wish, "POSTGRES_USER");
    int r = take_name("POSTGRES_USER", user ? user : "postgres", boxing->server->user, err);

    if (r == 0 && given(wish, "PGDATA"))
        r = err_set(err, -EINVAL, "PGDATA in .env: where the data lie is not for tests to say");
    if (r == 0)
        r = take_base(boxing, err);
    if (r == 0)
        r = take_password(boxing, err);
    if (r < 0)
        return r;
    for (const char *const *at = wish->env; at && *at && boxing->env_count < ENVIRONMENT; at++)
        boxing->env[boxing->env_count++] = *at;
    say(boxing, "PGDATA", DATA);
    say_unless_given(boxing, "POSTGRES_INITDB_ARGS",
                     "--no-sync --encoding=UTF8 --locale=C --wal-segsize=1");
    say_unless_given(boxing, "POSTGRES_HOST_AUTH_METHOD", "md5");
    return 0;
}

/* ---- starting --------------------------------------------------------------------------- */

/* postgres -c ... -c ... */
static const char *const *make_command(struct boxing *boxing)
{
    struct postgres_server *server = boxing->server;
    size_t fixed_count, tls_count;
    const char *const *fixed = postgres_fixed_settings(&fixed_count);
    const char *const *tls = postgres_tls_settings(&tls_count);
    size_t most = fixed_count + server->setting_count;
    const char **cmd = arena_zero(&boxing->arena, (2 * (most + tls_count) + 8) * sizeof *cmd),
               **at = cmd;
    char *connections = arena_zero(&boxing->arena, NAME_ROOM);

    *at++ = "postgres";
    *at++ = "-D";
    *at++ = DATA;
    *at++ = "-c";
    *at++ = postgres_connections(server->keeper, connections, NAME_ROOM);
    for (size_t i = 0; i < most; i++) {
        *at++ = "-c";
        *at++ = i < fixed_count ? fixed[i] : server->settings[i - fixed_count];
    }
    for (size_t i = 0; server->authority.file && i < tls_count; i++) {
        *at++ = "-c";
        *at++ = tls[i];
    }
    return cmd;
}

static const char *words(struct boxing *boxing)
{
    return arena_printf(&boxing->arena, "user=%s password=%s dbname=postgres sslmode=disable",
                        boxing->server->user, boxing->server->password);
}

static struct box_wish box_wish(struct boxing *boxing)
{
    return (struct box_wish){ .kind = "postgres",
                              .image = boxing->image,
                              .may_pull = boxing->wish->may_pull,
                              .choice = boxing->wish->choice,
                              .cmd = make_command(boxing),
                              .ports = { PORT },
                              .query = "SELECT 1",
                              .query_words = words(boxing),
                              .timeout_ms = START_MAX_MS };
}

static void place(struct postgres_server *server)
{
    struct service *box = &server->box->service;

    snprintf(server->host, sizeof server->host, "%s", server->box->host);
    snprintf(server->service.name, sizeof server->service.name, "%s", box->name);
    snprintf(server->service.log, sizeof server->service.log, "%s", box->log);
    server->port = box_port(server->box, 0);
}

/* The first start, and what it leaves as an image. */
static int make_ahead(struct boxing *boxing, char ret_id[BOX_ID], struct err *err)
{
    struct postgres_server *server = boxing->server;
    struct box_wish wish = box_wish(boxing);
    struct box_label labels[] = { { "seam.made", "postgres" },
                                  { "seam.password", server->password },
                                  { NULL, NULL } };
    int r;

    say(boxing, "POSTGRES_PASSWORD", server->password);
    wish.env = boxing->env;
    if (boxing->wish->init)
        wish.files[0] = (struct box_file){ .path = "/docker-entrypoint-initdb.d",
                                           .from = boxing->wish->init };
    r = box_start(server->keeper, &wish, &server->box, boxing->ret_remedy, err);
    if (r < 0)
        return r;
    place(server);
    r = boxing->has_password ? 0 : postgres_server_set_password(server, err);
    if (r == 0)
        r = postgres_server_stop(server, err);
    if (r == 0)
        r = box_image_commit(server->box, boxing->made, labels, ret_id, err);
    box_free(server->box);
    server->box = NULL;
    return r;
}

/* The server wants a key that nobody else may read. */
static int add_tls(struct boxing *boxing, struct box_wish *wish, struct err *err)
{
    static const char *const program[] = { "sh", "-c",
                                           "umask 077 && cp /srv/seam-tls/seam-*.pem " DATA
                                           "/ && exec postgres \"$@\"",
                                           "postgres", NULL };
    struct authority *authority = &boxing->server->authority;
    struct engine *engine;
    const char *remedy;
    int r = daemon_open(boxing->server->keeper, &engine, &remedy, err);

    if (r == 0)
        r = authority_get(boxing->server->keeper, engine_host(engine), authority, err);
    if (r < 0)
        return r;
    box_add_file(wish, "/srv/seam-tls/seam-cert.pem", authority->certificate,
                 strlen(authority->certificate));
    box_add_file(wish, "/srv/seam-tls/seam-key.pem", authority->key, strlen(authority->key));
    wish->entrypoint = program;
    wish->cmd = make_command(boxing) + 1;
    return 0;
}

/* As its own user and without the image's entry point, which would look through all files once more. */
static int start_made(struct boxing *boxing, const char *id, struct err *err)
{
    static const char *const program[] = { "postgres", NULL };
    struct postgres_server *server = boxing->server;
    struct box_wish wish = box_wish(boxing);
    int r;

    wish.image = id;
    wish.choice.lock = NULL; /* it pins the image that this one was made of */
    wish.user = "postgres";
    wish.entrypoint = program;
    wish.cmd++;
    wish.keeps_ports = boxing->wish->is_private;
    if (boxing->wish->tls && (r = add_tls(boxing, &wish, err)) < 0)
        return r;
    return box_start(server->keeper, &wish, &server->box, boxing->ret_remedy, err);
}

/* What makes two such images different. */
static int name_made(struct boxing *boxing, const char *id, struct err *err)
{
    uint64_t key = hash_bytes(HASH_BEGIN, id, strlen(id));
    int r;

    key = hash_bytes(key, LAYOUT, sizeof LAYOUT);
    for (size_t i = 0; i < boxing->env_count; i++)
        key = hash_bytes(key, boxing->env[i], strlen(boxing->env[i]) + 1);
    r = boxing->wish->init ? postgres_init_hash(boxing->wish->init, &key, err) : 0;
    snprintf(boxing->made, sizeof boxing->made, "seam-made/postgres:%016llx",
             (unsigned long long)key);
    return r;
}

static int check_version(struct boxing *boxing, struct err *err)
{
    const char *version = boxing->wish->version;

    if (!version || atoi(version) == atoi(boxing->server->service.version))
        return 0;
    return err_set(err, -ENOENT, "version %s is asked for, the image '%s' has %s", version,
                   boxing->image, boxing->server->service.version);
}

static int look_at(struct boxing *boxing, struct err *err)
{
    struct postgres_server *server = boxing->server;
    struct sql_error error = { 0 };
    struct sql *sql = postgres_server_take(server, &error);

    if (!sql)
        return err_set(err, -ENOTCONN, "cannot reach the server: %s", error.message);
    postgres_server_note_version(server, sql);
    memcpy(server->box->service.version, server->service.version,
           sizeof server->service.version);
    postgres_server_give(server, sql);
    return check_version(boxing, err);
}

static int start(struct boxing *boxing, struct err *err)
{
    struct postgres_server *server = boxing->server;
    struct box_wish wish = box_wish(boxing);
    char id[BOX_ID], base[BOX_ID];
    int r = box_image_find(server->keeper, &wish, base, boxing->ret_remedy, err);

    if (r == 0)
        r = name_made(boxing, base, err);
    if (r < 0)
        return r;
    if (box_image_label(server->keeper, boxing->made, "seam.password", id, server->password,
                        sizeof server->password) < 0) {
        r = make_ahead(boxing, id, err);
    }
    if (r == 0)
        r = start_made(boxing, id, err);
    if (r == 0) {
        place(server);
        r = look_at(boxing, err);
    }
    return r;
}

int postgres_box_start(struct postgres_server *server, const struct postgres_wish *wish,
                       const char **ret_remedy, struct err *err)
{
    struct boxing boxing = { .server = server, .wish = wish, .ret_remedy = ret_remedy };
    int r = tell_image(&boxing, err);

    boxing.image = wish->choice.image ? wish->choice.image
                                      : arena_printf(&boxing.arena, "postgres:%s",
                                                     wish->version ? wish->version : "17");
    if (r == 0)
        r = start(&boxing, err);
    arena_fini(&boxing.arena);
    return r;
}
