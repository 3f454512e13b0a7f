/*
 * wire/pg_conformance_test.c - what a client may send, legal, odd and illegal, and what comes of it: of the engine, and
 * of a real PostgreSQL 15, byte for byte (but for what differs
 * from run to run), and what testdata/golden/pg.txt says.
 */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources ../base/*.c ../events/*.c ../lease/lease.c ../lease/postgres.c ../test/*.c

#include <seam/postgres.h>
#include <stddef.h>
#include <stdlib.h>

#include "wire/pg_sides_test.h"

enum { LEAST_ROWS = 200 };

/* ---- a row of the script */

/* Behind it come a Sync and three empty queries: when those are answered nothing more can come. */
static const char closing[] = "S\nQ \nQ \nQ ";
static const char closed[] = "I Z(?) I Z(?) I Z(?) ";

static bool ends_closed(const struct buf *text)
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

/* Send what has been gathered, and then wait or cancel. */
static void act(seam_t *t, struct side *side, struct buf *bytes, const char *line)
{
    side_send(t, side, bytes);
    if (line[0] == 'W')
        side_wait(t, side, line + 2);
    else if (line[0] == 'Z')
        side_wait_asleep(t, side);
    else
        side_cancel(t, side, (uint32_t)strtoul(line + 2, NULL, 0));
}

static void play(seam_t *t, struct side *side, const char *lines)
{
    char *copy = strdup(lines), *at = copy;
    struct buf bytes = BUF_INIT(SIDE_MAX);

    while (*at) {
        char *line = script_cut(&at, '\n');

        if (line[0] && strchr("WZK", line[0]))
            act(t, side, &bytes, line);
        else if (line[0])
            script_line(&bytes, line);
    }
    side_send(t, side, &bytes);
    while (side->conninfo && !side->is_over && !ends_closed(&side->text))
        side_receive(t, side);
    buf_fini(&bytes);
    free(copy);
}

static bool has_own_start(const char *lines)
{
    return lines[0] == '0' || lines[0] == 'y';
}

/* `DATABASE` in a row is the database's name. */
static const char *all_lines(seam_t *t, const char *row, const char *database)
{
    const char *lines = strchr(row, '\n') + 1, *at = strstr(lines, "DATABASE");

    if (at)
        lines = seam_format(t, "%.*s%s%s", (int)(at - lines), lines, database,
                            at + strlen("DATABASE"));
    if (!has_own_start(lines))
        lines = seam_format(t, "0 3.0 user=postgres|database=%s\n%s", database, lines);
    return seam_format(t, "%s\n%s", lines, closing);
}

/* Rows are parted by empty lines; the first line of each says what it is about. Returns how many there are. */
static int each_row(seam_t *t, void (*fn)(seam_t *t, const char *row, void *arg), void *arg)
{
    char *script = seam_read_file(t, "testdata/pg.script", NULL), *end;
    int count = 0;

    for (char *row = script; row && *row; row = end ? end + 2 : NULL) {
        end = strstr(row, "\n\n");
        if (end)
            *end = '\0';
        fn(t, row, arg);
        count++;
    }
    return count;
}

/* ---- in words */

struct wording {
    const char *database, *conninfo;
    bool slowly;
    struct buf all;
};

/* Without the answers to `closing`. */
static void cut_closing(struct side *side)
{
    struct buf *text = &side->text;

    if (side->is_over) {
        buf_add_text(text, "END ");
        return;
    }
    text->size -= sizeof closed - 1;
    while (text->size > 0 && text->data[--text->size] != 'Z')
        ;
    text->data[text->size] = '\0';
}

/* What comes before the first ReadyForQuery is only shown when the row has its own start-up packet. What is sent in
 * front of one comes in one piece: the server looks for more behind it. */
static void word_row(seam_t *t, const char *row, void *arg)
{
    const char *lines = strchr(row, '\n') + 1, *reply, *from = NULL;
    struct wording *wording = arg;
    struct side side = { .conninfo = wording->conninfo,
                         .slowly = wording->slowly && lines[0] != 'y' };

    side_open(t, &side);
    play(t, &side, all_lines(t, row, wording->database));
    cut_closing(&side);
    reply = buf_text(&side.text);
    if (!has_own_start(lines))
        from = strstr(reply, "Z(I) ");
    buf_printf(&wording->all, "%s\n    %s\n\n", row, from ? from + 5 : reply);
    side_close(&side);
}

static void check_words(seam_t *t, struct wording *wording)
{
    wording->all = BUF_INIT(4 * SIDE_MAX);
    seam_check(t, each_row(t, word_row, wording) >= LEAST_ROWS);
    seam_golden(t, "pg.txt", buf_text(&wording->all), wording->all.size);
    buf_fini(&wording->all);
}

SEAM_TEST(pg_engine_answers_as_the_golden_file_says)
{
    seam_via(t, check_words(t, &(struct wording){ .database = "d" }));
}

SEAM_TEST(pg_engine_answers_the_same_byte_by_byte)
{
    seam_via(t, check_words(t, &(struct wording){ .database = "d", .slowly = true }));
}

SEAM_TEST(pg_server_answers_as_the_golden_file_says, .tags = "integration")
{
    seam_postgres *pg = seam_postgres_start(t, .version = "15");

    seam_via(t, check_words(t, &(struct wording){ .database = seam_postgres_database(pg),
                                                  .conninfo = seam_postgres_conninfo(pg) }));
}

/* ---- in bytes */

static void compare_row(seam_t *t, const char *row, void *arg)
{
    const seam_postgres *pg = arg;
    const char *lines = all_lines(t, row, seam_postgres_database(pg));
    struct side engine = { 0 }, real = { .conninfo = seam_postgres_conninfo(pg) };
    struct buf got = BUF_INIT(SIDE_MAX), want = BUF_INIT(SIDE_MAX);

    seam_scope(t, "%.*s", (int)strcspn(row, "\n"), row);
    side_open(t, &engine);
    side_open(t, &real);
    play(t, &engine, lines);
    play(t, &real, lines);
    side_stable(&engine, &got);
    side_stable(&real, &want);
    if (seam_check_eq(t, buf_text(&engine.text), buf_text(&real.text)))
        seam_check_mem(t, buf_text(&got), got.size, buf_text(&want), want.size);
    seam_check_eq(t, engine.is_over, real.is_over);
    side_close(&engine);
    side_close(&real);
    buf_fini(&got);
    buf_fini(&want);
}

SEAM_TEST(pg_engine_and_server_answer_the_same_bytes, .tags = "integration")
{
    seam_postgres *pg = seam_postgres_start(t, .version = "15");

    seam_check(t, each_row(t, compare_row, pg) >= LEAST_ROWS);
}
