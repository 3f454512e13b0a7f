/* pg/record_parts_test.c - the parts of a recording that need no server: addresses, secrets, values, the tap. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:pkg-config openssl
//seam:ldflags -lm
//seam:sources ../double/*.c ../json/*.c ../lease/lease.c ../lease/postgres.c ../link/*.c ../net/*.c ../wire/pg_*.c
//seam:sources ../base/*.c ../events/*.c ../test/*.c ../test/trial_test.c

#include <seam/seam.h>

#include <errno.h>
#include <string.h>

#include "pg/record.h"

static void release(void *arg)
{
    arena_fini(arg);
}

static struct arena *new_arena(seam_t *t)
{
    struct arena *arena = seam_alloc(t, sizeof *arena);

    seam_cleanup(t, release, arena);
    return arena;
}

/* ---- addresses */

static void check_address(seam_t *t, const char *conninfo, const char *want)
{
    struct record_address to;
    struct err err;

    seam_scope(t, "%s", conninfo);
    if (record_address_parse(new_arena(t), conninfo, &to, &err) < 0)
        seam_check_eq(t, err.text, want);
    else
        seam_check_eq(t,
                      seam_format(t, "%s %d %s %s %s", to.host, to.port, to.user,
                                  to.password ? to.password : "-", to.database),
                      want);
}

SEAM_TEST(record_addresses)
{
    seam_setenv(t, "USER", "joe");
    check_address(t, "", "/var/run/postgresql 5432 joe - joe");
    check_address(t, "host=db port = 5433 user='a b' password='it\\'s' dbname=app",
                  "db 5433 a b it's app");
    check_address(t, "host=/tmp/x user=u application_name=y", "/tmp/x 5432 u - u");
    check_address(t, "postgres://u:p%20w@db:5433/app?sslmode=disable", "db 5433 u p w app");
    check_address(t, "postgresql://db", "db 5432 joe - joe");
    check_address(t, "host=db port=x", "port 'x' is no number from 1 to 65535");
    check_address(t, "host=db port=70000", "port '70000' is no number from 1 to 65535");
    check_address(t, "host", "'host' has no '=' behind it");
    check_address(t, "service=x",
                  "'service' is not known here\ntry: host, port, user, password and dbname");
    check_address(t, "host=a,b", "it has several hosts\ntry: the one that is to be recorded");
    check_address(t, "postgres://",
                  "it is no URL of a server\ntry: postgres://user@host:5432/app");
    check_address(t, "postgres://db?sslmode=verify-full",
                  "sslmode 'verify-full': a recording asks the real server without TLS\n"
                  "try: sslmode=disable, or a tunnel");
}

/* ---- what is redacted */

static void check_refused(seam_t *t, const char *text, const char *words)
{
    const char *const texts[SEAM_PG_ARGS] = { text };
    struct record_redaction redaction;
    struct err err;

    seam_check_eq(t, record_redaction_parse(new_arena(t), texts, &redaction, &err) < 0, true);
    seam_check_eq(t, err.text, words);
    record_redaction_free(&redaction);
}

SEAM_TEST(record_redactions_that_cannot_be)
{
    check_refused(t, "arg",
                  ".redact 'arg': write \"column name\", \"arg 2\" or \"sql pattern\"");
    check_refused(t, "arg 0", ".redact 'arg 0': arguments are numbered from 1 to 1023");
    check_refused(t, "arg x", ".redact 'arg x': arguments are numbered from 1 to 1023");
    check_refused(t, "columns x",
                  ".redact 'columns x': write \"column name\", \"arg 2\" or \"sql pattern\"");
    check_refused(t, "sql (", ".redact 'sql (': missing closing parenthesis at offset 1");
}

SEAM_TEST(record_redacts_statements_and_names)
{
    const char *const texts[SEAM_PG_ARGS] = { "column at", "arg 2", "sql ^CALL" };
    struct arena *arena = new_arena(t);
    struct record_redaction of;
    struct err err;

    seam_require_eq(t, record_redaction_parse(arena, texts, &of, &err), 0);
    seam_check_eq(t, record_redact_sql(&of, arena, "UPDATE u SET password = 'x', a = 'y'"),
                  "UPDATE u SET password = '***', a = 'y'");
    seam_check_eq(t, record_redact_sql(&of, arena, "CALL f('a', $$b$$, 1)"),
                  "CALL f('REDACTED', 'REDACTED', 1)");
    seam_check(t, record_hides_column(&of, "AT"));
    seam_check(t, record_hides_column(&of, "access_token"));
    seam_check(t, !record_hides_column(&of, "email"));
    seam_check(t, record_hides_argument(&of, "SELECT $1, $2", 2));
    seam_check(t, record_hides_argument(&of, "UPDATE u SET password = $1", 1));
    seam_check(t, !record_hides_argument(&of, "SELECT $1", 1));
    record_redaction_free(&of);
}

static void check_copy(seam_t *t, const char *sql, const char *data, int want_r,
                       const char *want)
{
    struct record_redaction of = { .columns = { NULL } };
    struct buf to = BUF_INIT(1000);

    seam_check_eq(t, record_redact_copy(&of, sql, data, strlen(data), &to), want_r);
    seam_check_eq(t, buf_text(&to), want);
    buf_fini(&to);
}

SEAM_TEST(record_redacts_copies)
{
    check_copy(t, "COPY u (id, token) FROM STDIN", "1\ta\n2\tb", 1, "1\tREDACTED\n2\tREDACTED");
    check_copy(t, "copy s.u(\"token\",id) to stdout;", "a\t1\n", 1, "REDACTED\t1\n");
    check_copy(t, "COPY u (id, email) FROM STDIN", "1\ta\n", 0, "");
    check_copy(t, "COPY u FROM STDIN", "1\ta\n", 0, "");
    check_copy(t, "COPY (SELECT token FROM u) TO STDOUT", "a\n", 0, "");
    check_copy(t, "COPY u (id, token) FROM STDIN WITH (FORMAT csv)", "1,a\n", -EINVAL, "");
}

/* ---- values */

static void check_value(seam_t *t, struct record_value value, const char *want)
{
    struct arena *arena = new_arena(t);
    struct buf to = BUF_INIT(1000);
    const struct json_node *node;
    struct record_value back;

    record_put_value(&to, &value);
    seam_check_eq(t, buf_text(&to), want);
    seam_require_eq(t, json_node_parse(arena, "it", to.data, to.size, false, &node, NULL), 0);
    seam_require(t, record_get_value(node, arena, &back));
    seam_check_eq(t, back.kind, value.kind);
    seam_check_mem(t, back.size ? back.text : "", back.size, value.size ? value.text : "",
                   value.size);
    buf_fini(&to);
}

SEAM_TEST(record_values_there_and_back)
{
    check_value(t, (struct record_value){ .kind = RECORD_NULL }, "null");
    check_value(t, (struct record_value){ RECORD_TEXT, "d\xc3\xa9\"\n", 5 },
                "\"d\xc3\xa9\\\"\\n\"");
    check_value(t, (struct record_value){ RECORD_TEXT, "", 0 }, "\"\"");
    check_value(t, (struct record_value){ RECORD_TEXT, "\xe9", 1 }, "{\"base64\":\"6Q==\"}");
    check_value(t, (struct record_value){ RECORD_BINARY, "\0\1\2\3", 4 },
                "{\"binary\":\"AAECAw==\"}");
    check_value(t, (struct record_value){ .kind = RECORD_REDACTED }, "{\"redacted\":true}");
}

SEAM_TEST(record_names_of_types)
{
    struct arena *arena = new_arena(t);

    seam_check_eq(t, record_type_name(arena, 20, -1), "int8");
    seam_check_eq(t, record_type_name(arena, 1700, (10 << 16 | 2) + 4), "numeric(10,2)");
    seam_check_eq(t, record_type_name(arena, 1015, 24), "varchar(20)[]");
    seam_check_eq(t, record_type_name(arena, 1184, 3), "timestamptz(3)");
    seam_check_null(t, record_type_name(arena, 99999, -1));
}

/* ---- the tap */

static void add_frame(struct record_tap *tap, char type, const char *body, size_t size,
                      bool is_server)
{
    const struct pg_frame frame = { type, body, size };
    struct buf describe = BUF_INIT(1000);

    if (is_server)
        record_tap_server(tap, &frame);
    else
        record_tap_client(tap, &frame, &describe);
    buf_fini(&describe);
}

/* Whatever comes in whatever order, nothing breaks; that is all that is asked. */
SEAM_TEST(record_tap_of_nonsense)
{
    static const char types[] = "PBDECSQFHXdcf123tTnDCIsEZGHWNASKRvVZ";
    static const char error[] = "SERROR\0C42P01\0Mno\0P3\0";
    struct pg_recording *recording = seam_alloc(t, sizeof *recording);
    struct record_tap *tap = record_tap_new(recording, 0);
    uint32_t state = 7;

    for (int i = 0; i < 20000; i++) {
        char body[24];
        size_t size;

        state = state * 1664525 + 1013904223;
        size = state >> 24 & 15;
        for (size_t n = 0; n < size; n++) {
            state = state * 1664525 + 1013904223;
            body[n] = (state >> 28) < 10 ? 0 : (char)(state >> 20);
        }
        body[size] = '\0';
        state = state * 1664525 + 1013904223;
        recording->failure = NULL;
        if (state >> 27 == 3)
            add_frame(tap, 'E', error, sizeof error, true);
        add_frame(tap, types[(state >> 16) % (sizeof types - 1)], body, size, state >> 31);
    }
    record_tap_free(tap);
    record_free_tapes(recording);
}
