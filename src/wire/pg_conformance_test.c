/*
 * wire/pg_conformance_test.c - what a client may send, legal, odd and illegal, and what comes of it: of the engine, and
 * of a real PostgreSQL 15, which both have to be what testdata/golden/pg.txt says.
 */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources ../base/*.c ../events/*.c ../lease/*.c ../test/*.c

#include <errno.h>
#include <poll.h>
#include <seam/postgres.h>
#include <stddef.h>
#include <string.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire/pg_owner_test.h"
#include "wire/pg_script_test.h"

enum { REPLY_MAX = 1 << 20, WAIT_MS = 10000 };

/* What the engine, or a server, makes of a client's bytes. */
typedef void side_fn(seam_t *t, const struct buf *bytes, struct buf *reply, void *arg);

/* ---- the engine */

/* Answer all that can be; false when the session is over. */
static bool serve(struct pg_server *server)
{
    struct pg_ask *ask;

    for (;;)
        switch (pg_server_next(server, &ask)) {
        case PG_SERVER_ASK:
            owner_answer(server, ask);
            break;
        case PG_SERVER_END:
            return false;
        case PG_SERVER_MORE:
        case PG_SERVER_TLS:
            return true;
        }
}

static void engine(seam_t *t, const struct buf *bytes, struct buf *reply, void *arg)
{
    size_t step = arg ? 1 : bytes->size;
    struct pg_server_options options = { .version = "15.20", .pid = 7, .key = 9 };
    struct pg_server *server;
    bool goes_on = true;

    seam_require_eq(t, pg_server_new(&server, &options), 0);
    for (size_t at = 0; at < bytes->size && goes_on; at += step) {
        pg_server_feed(server, bytes->data + at, step);
        goes_on = serve(server);
    }
    reply_text(reply, buf_text(pg_server_out(server)), pg_server_ready(server));
    if (!goes_on)
        buf_add_text(reply, "END ");
    pg_server_free(server);
}

/* ---- the real server */

static int connect_to(seam_t *t, const char *conninfo)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const char *host = strstr(conninfo, "host="), *port = strstr(conninfo, "port=");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    seam_require(t, host != NULL);
    seam_require(t, port != NULL);
    host += 5;
    port += 5;
    host += *host == '\'';
    snprintf(address.sun_path, sizeof address.sun_path, "%.*s/.s.PGSQL.%.*s",
             (int)strcspn(host, "' "), host, (int)strspn(port, "0123456789"), port);
    seam_require_eq(t, connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Behind the script come a Sync and three empty queries: when those are answered nothing more can come. */
static const char closing[] = "S\nQ \nQ \nQ ";
static const char closed[] = "I Z(?) I Z(?) I Z(?) ";

static bool is_over(const struct buf *text)
{
    size_t size = sizeof closed - 1;
    const char *at = buf_text(text) + text->size - size;

    if (text->size < size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (closed[i] != '?' && closed[i] != at[i])
            return false;
    return true;
}

/* Without the answers to `closing`. */
static void cut_closing(struct buf *text)
{
    text->size -= sizeof closed - 1;
    while (text->size > 0 && text->data[--text->size] != 'Z')
        ;
    text->data[text->size] = '\0';
}

static void real(seam_t *t, const struct buf *bytes, struct buf *reply, void *arg)
{
    int fd = connect_to(t, arg);
    struct buf all = BUF_INIT(REPLY_MAX);
    struct pollfd polled = { .fd = fd, .events = POLLIN };
    char data[4096];
    ssize_t n = 0;

    seam_require_eq(t, send(fd, bytes->data, bytes->size, MSG_NOSIGNAL), bytes->size);
    do {
        seam_require_eq(t, poll(&polled, 1, WAIT_MS), 1);
        n = recv(fd, data, sizeof data, 0);
        if (n > 0)
            buf_add(&all, data, (size_t)n);
        buf_clear(reply);
        reply_text(reply, buf_text(&all), all.size);
    } while (n > 0 && !is_over(reply));
    if (n <= 0)
        buf_add_text(reply, "END ");
    else
        cut_closing(reply);
    buf_fini(&all);
    close(fd);
}

/* ---- the script */

static void add_lines(struct buf *to, const char *lines)
{
    char *copy = strdup(lines), *at = copy;

    while (*at)
        script_line(to, script_cut(&at, '\n'));
    free(copy);
}

/* What comes before the first ReadyForQuery is only shown when the row has its own start-up packet. */
static void add_reply(struct buf *to, const char *reply, bool own_start)
{
    const char *from = own_start ? NULL : strstr(reply, "Z(I) ");

    buf_printf(to, "    %s\n\n", from ? from + 5 : reply);
}

/* `DATABASE` in a row is the database's name. */
static const char *with_database(seam_t *t, const char *lines, const char *database)
{
    const char *at = strstr(lines, "DATABASE");

    return at ? seam_format(t, "%.*s%s%s", (int)(at - lines), lines, database,
                            at + strlen("DATABASE"))
              : lines;
}

static void run_row(seam_t *t, const char *row, const char *database, side_fn *side, void *arg,
                    struct buf *to)
{
    const char *lines = strchr(row, '\n') + 1;
    bool own_start = lines[0] == '0' || lines[0] == 'y', is_real = side == real;
    struct buf bytes = BUF_INIT(1 << 20), reply = BUF_INIT(REPLY_MAX);

    buf_printf(to, "%s\n", row);
    if (!own_start)
        add_lines(&bytes, seam_format(t, "0 3.0 user=postgres|database=%s", database));
    add_lines(&bytes, with_database(t, lines, database));
    if (is_real)
        add_lines(&bytes, closing);
    side(t, &bytes, &reply, arg);
    add_reply(to, buf_text(&reply), own_start);
    buf_fini(&bytes);
    buf_fini(&reply);
}

/* Rows are parted by empty lines; the first line of each says what it is about. */
static int run_all(seam_t *t, const char *database, side_fn *side, void *arg, struct buf *to)
{
    char *script = seam_read_file(t, "testdata/pg.script", NULL), *end;
    int count = 0;

    for (char *row = script; row && *row; row = end ? end + 2 : NULL) {
        end = strstr(row, "\n\n");
        if (end)
            *end = '\0';
        run_row(t, row, database, side, arg, to);
        count++;
    }
    return count;
}

static void check_side(seam_t *t, const char *database, side_fn *side, void *arg)
{
    struct buf all = BUF_INIT(REPLY_MAX);

    seam_check(t, run_all(t, database, side, arg, &all) >= 120);
    seam_golden(t, "pg.txt", buf_text(&all), all.size);
    buf_fini(&all);
}

SEAM_TEST(pg_engine_answers_as_the_server_does)
{
    check_side(t, "d", engine, NULL);
}

SEAM_TEST(pg_engine_answers_the_same_byte_by_byte)
{
    check_side(t, "d", engine, "");
}

SEAM_TEST(pg_server_answers_as_the_golden_file_says, .tags = "integration")
{
    seam_postgres *pg = seam_postgres_start(t, .version = "15");

    check_side(t, seam_postgres_database(pg), real, (void *)seam_postgres_conninfo(pg));
}
