/* cmd/facts_check.c - ask a real server whether facts hold; see facts.h. */

#include "cmd/facts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "base/message.h"
#include "cmd/flags.h"
#include "runner/discover.h"
#include "runner/keeper.h"

enum { START_MS = 180000, ANSWER_MS = 60000 };

/* A database with the migrations of a folder, for as long as `fd` is open. */
struct database {
    struct database *next;
    int server;
    const char *migrations; /* absolute; "" for none */
    int fd; /* our connection to the keeper; -1: there is none */
    struct real_session session;
    const char *why; /* there is no database */
};

struct asking {
    struct arena *arena;
    struct options options;
    struct run run;
    struct database *databases;
};

/* ---- the keeper */

static int begin_keeper(struct asking *asking, struct err *err)
{
    static char *const nothing[] = { (char *)"facts", NULL };
    struct installation installation;
    struct run *run = &asking->run;
    int r = loop_init(&run->loop);

    run->options = &asking->options;
    if (r < 0)
        err_system(err, r, "epoll");
    if (r == 0)
        r = flags_parse(1, (char **)nothing, &asking->options, err);
    if (r == 0)
        r = installation_find(&run->arena, &installation, err);
    if (r < 0)
        return r;
    run->libexec = installation.libexec;
    run->cache = build_cache(&run->arena, err);
    if (!run->cache)
        return -EIO;
    sigprocmask(SIG_SETMASK, NULL, &run->signals_before);
    return keeper_start(run, err);
}

static void end_keeper(struct asking *asking)
{
    keeper_finish(&asking->run);
    loop_fini(&asking->run.loop);
    arena_fini(&asking->run.arena);
    free(asking->options.arguments);
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && strlen(path) < sizeof address.sun_path) {
        memcpy(address.sun_path, path, strlen(path));
        if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
            return fd;
    }
    io_close(&fd);
    return -1;
}

/* ---- a database */

static const char *text_of_field(struct asking *asking, const struct message *answer,
                                 const char *key)
{
    struct message value = message_value(answer, key);

    return value.data ? arena_copy(asking->arena, value.data, value.size) : NULL;
}

static int ask_keeper(struct asking *asking, struct database *database, struct buf *bytes,
                      struct message *ret)
{
    struct buf request = BUF_INIT(MESSAGE_MAX);
    size_t begun = message_begin(&request);
    int r;

    message_add_text(&request, "verb", "postgres.start");
    message_add_text(&request, "test", "seam facts");
    message_add_text(&request, "version", arena_printf(asking->arena, "%d", database->server));
    if (*database->migrations)
        message_add_text(&request, "migrations", database->migrations);
    message_end(&request, begun);
    database->fd = connect_to(keeper_socket(&asking->run));
    r = database->fd < 0 ? -ECONNREFUSED : message_send(database->fd, &request);
    if (r == 0)
        r = message_receive(database->fd, bytes, deadline_after_ms(START_MS), ret);
    buf_fini(&request);
    return r;
}

static const char *open_session(struct asking *asking, struct database *database,
                                const struct message *answer)
{
    const char *conninfo = text_of_field(asking, answer, "conninfo");
    struct real_address address;
    struct err err;

    if (!conninfo || real_address_parse(asking->arena, conninfo, &address) < 0)
        return "the services' keeper gave no address";
    if (real_open(&database->session, &address, NULL, deadline_after_ms(ANSWER_MS), &err) < 0)
        return arena_dup(asking->arena, err.text);
    return NULL;
}

/* Why there is none; NULL: there is. */
static const char *open_database(struct asking *asking, struct database *database)
{
    struct buf bytes = BUF_INIT(MESSAGE_MAX);
    struct message answer;
    int r = ask_keeper(asking, database, &bytes, &answer);
    const char *why =
        r < 0 ? arena_printf(asking->arena, "cannot ask the services' keeper: %s", strerror(-r))
              : text_of_field(asking, &answer, "skip");

    if (!why)
        why = text_of_field(asking, &answer, "error");
    if (!why)
        why = open_session(asking, database, &answer);
    buf_fini(&bytes);
    return why;
}

static struct database *database_of(struct asking *asking, const struct kept_fact *kept)
{
    const char *migrations =
        *kept->fact.migrations ? source_path(asking->arena, kept->folder, kept->fact.migrations)
                               : "";
    struct database *database = asking->databases;

    while (database && (database->server != kept->fact.server ||
                        strcmp(database->migrations, migrations) != 0))
        database = database->next;
    if (database)
        return database;
    database = arena_zero(asking->arena, sizeof *database);
    *database = (struct database){ .next = asking->databases,
                                   .server = kept->fact.server,
                                   .migrations = migrations,
                                   .fd = -1,
                                   .session = { .fd = -1 } };
    database->why = open_database(asking, database);
    asking->databases = database;
    return database;
}

static void close_all(struct asking *asking)
{
    for (struct database *database = asking->databases; database; database = database->next) {
        real_end(&database->session);
        io_close(&database->fd);
    }
}

/* ---- facts */

static void ask(struct asking *asking, struct kept_fact *kept)
{
    struct database *database = database_of(asking, kept);
    struct pg_fact truth = kept->fact;
    struct err err;

    kept->why = database->why;
    if (!kept->why && pg_fact_derive(&database->session, deadline_after_ms(ANSWER_MS),
                                     asking->arena, &truth, &err) < 0)
        kept->why = arena_dup(asking->arena, err.text);
    kept->state = kept->why ? FACT_UNKNOWN : FACT_HOLDS;
    if (kept->why || pg_fact_is_same(&kept->fact, &truth))
        return;
    kept->state = FACT_WRONG;
    kept->why = pg_fact_words(asking->arena, &truth);
}

int facts_ask(struct arena *arena, struct kept_fact *facts, size_t count, struct err *err)
{
    struct asking asking = { .arena = arena };
    int r = begin_keeper(&asking, err);

    for (size_t i = 0; i < count && r == 0; i++)
        if (facts[i].state == FACT_HOLDS)
            ask(&asking, &facts[i]);
    close_all(&asking);
    end_keeper(&asking);
    return r;
}
