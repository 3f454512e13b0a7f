/* wire/pg_real_test.c - types and values against a real server of version 15. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources ../base/arena.c ../base/buf.c ../base/err.c pg_lex.c pg_words.c pg_type.c pg_type_parse.c
//seam:sources pg_columns.c pg_number.c pg_numeric.c pg_bytes.c pg_time.c pg_interval.c pg_array.c
//seam:sources pg_json.c pg_utf8.c pg_binary.c pg_canonical.c pg_same.c
//seam:pkg-config libpq

#include "wire/pg_type.h"

#include <libpq-fe.h>
#include <seam/postgres.h>

#include <stdlib.h>
#include <string.h>

SEAM_FILE(.tags = "integration");
SEAM_CLEANUP_FN(finish, PQfinish, PGconn *);

static PGconn *connect_to(seam_t *t)
{
    seam_postgres *pg = seam_postgres_start(t, .version = "15");
    PGconn *connection = PQconnectdb(seam_postgres_conninfo(pg));

    seam_cleanup(t, finish, connection);
    if (PQstatus(connection) != CONNECTION_OK)
        seam_fatal(t, "%s", PQerrorMessage(connection));
    PQclear(PQexec(connection, "SET timezone = 'UTC'; SET client_min_messages = error"));
    return connection;
}

/* ---- types --------------------------------------------------------------------------------- */

SEAM_TEST(real_types_are_those_of_the_table)
{
    PGconn *connection = connect_to(t);
    const struct pg_type *type;

    for (size_t i = 0; (type = pg_type_at(i)); i++) {
        const char *sql = seam_format(t,
                                      "SELECT concat_ws(' ', regexp_replace(typname, '^_(.*)', "
                                      "'\\1[]'), typlen, typelem::int8 * "
                                      "(typname ~ '^_')::int, typarray, format_type(oid, "
                                      "NULL)) FROM pg_type WHERE oid = %u",
                                      type->oid);
        PGresult *found = PQexec(connection, sql);

        seam_scope(t, "%s", type->name);
        seam_check_eq(
            t, PQntuples(found) == 1 ? PQgetvalue(found, 0, 0) : PQerrorMessage(connection),
            seam_format(t, "%s %d %u %u %s", type->name, type->size, type->element,
                        type->array_oid,
                        strcmp(type->name, "char") == 0     ? "\"char\""
                        : strcmp(type->name, "char[]") == 0 ? "\"char\"[]"
                                                            : type->other));
        PQclear(found);
    }
}

static const char *const type_names[] = {
    "int",
    "integer",
    "INT4",
    "smallint",
    "bigint",
    "boolean",
    "real",
    "double precision",
    "float",
    "float(24)",
    "float(25)",
    "decimal",
    "dec(5)",
    "numeric(10,2)",
    "numeric(5,-2)",
    "numeric(2,4)",
    "varchar",
    "varchar(5)",
    "character varying(7)",
    "char",
    "char(3)",
    "character(4)",
    "character varying",
    "bpchar",
    "\"char\"",
    "national character(3)",
    "nchar(2)",
    "text",
    "pg_catalog.int4",
    "timestamp",
    "timestamp(3)",
    "timestamptz",
    "timestamp with time zone",
    "timestamp(2) with time zone",
    "timestamp without time zone",
    "time",
    "time(1)",
    "time with time zone",
    "timetz",
    "interval",
    "interval(3)",
    "date",
    "bit",
    "bit(4)",
    "bit varying(5)",
    "varbit",
    "int4[]",
    "text[][]",
    "int4[3]",
    "int array",
    "numeric(4,1)[]",
    "varchar(3)[]",
    "double precision[]",
    "\"numeric\"",
    "Timestamptz",
    "uuid",
    "jsonb",
    "inet",
    "\"timestamp\"(3)",
};

/* Names as SQL has them: the type and the modifier that the server makes of each. */
SEAM_TEST(real_type_names_of_types_are_read_as_the_server_does)
{
    PGconn *connection = connect_to(t);

    for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++) {
        PGresult *found = PQexec(connection, seam_format(t, "SELECT NULL::%s", type_names[i]));
        const struct pg_type *type = NULL;
        struct err err = { "" };
        int modifier = 0;

        seam_scope(t, "%s", type_names[i]);
        if (PQresultStatus(found) != PGRES_TUPLES_OK)
            seam_error(t, "%s", PQerrorMessage(connection));
        else if (pg_type_parse(type_names[i], &type, &modifier, &err) < 0)
            seam_error(t, "%s", err.text);
        else {
            seam_check_eq(t, type->oid, PQftype(found, 0));
            seam_check_eq(t, modifier, PQfmod(found, 0));
            seam_check_eq(t, type->size, PQfsize(found, 0));
        }
        PQclear(found);
    }
}

/* ---- values -------------------------------------------------------------------------------- */

static PGresult *ask(PGconn *connection, const char *sql, const char *text, int format)
{
    return PQexecParams(connection, sql, 1, NULL, &text, NULL, NULL, format);
}

static void check_error(seam_t *t, const struct pg_type *type, int code, const struct err *err,
                        const PGresult *real)
{
    seam_check_eq(t, pg_value_sqlstate(type, code), PQresultErrorField(real, PG_DIAG_SQLSTATE));
    seam_check_eq(t, err->text, PQresultErrorField(real, PG_DIAG_MESSAGE_PRIMARY));
}

static void check_bytes(seam_t *t, const struct buf *got, const PGresult *real)
{
    seam_check_mem(t, buf_text(got), got->size, PQgetvalue(real, 0, 0),
                   (size_t)PQgetlength(real, 0, 0));
}

/* Both directions of the binary format, of what the server wrote as `text`. */
static void check_binary(seam_t *t, const struct pg_type *type, const char *text,
                         const PGresult *binary)
{
    struct buf encoded = BUF_INIT(1 << 20), decoded = BUF_INIT(1 << 20);
    struct err err = { "" };

    if (!seam_check_ok(t, pg_to_binary(type, text, strlen(text), &encoded, &err)))
        seam_error(t, "%s", err.text);
    check_bytes(t, &encoded, binary);
    if (!seam_check_ok(t, pg_to_text(type, PQgetvalue(binary, 0, 0),
                                     (size_t)PQgetlength(binary, 0, 0), &decoded, &err)))
        seam_error(t, "%s", err.text);
    seam_check_eq(t, buf_text(&decoded), text);
    buf_fini(&encoded);
    buf_fini(&decoded);
}

static void check_value(seam_t *t, PGconn *connection, const char *name, const char *text)
{
    const char *sql = seam_format(t, "SELECT $1::%s", name);
    PGresult *real = ask(connection, sql, text, 0), *binary = ask(connection, sql, text, 1);
    struct buf canonical = BUF_INIT(1 << 20);
    const struct pg_type *type;
    struct err err = { "" };
    int modifier, r;

    seam_require_ok(t, pg_type_parse(name, &type, &modifier, &err));
    r = pg_canonical(type, modifier, text, strlen(text), &canonical, &err);
    if (PQresultStatus(real) != PGRES_TUPLES_OK) {
        seam_via(t, check_error(t, type, r, &err, real));
    } else {
        if (!seam_check_ok(t, r))
            seam_error(t, "%s", err.text);
        seam_check_eq(t, buf_text(&canonical), PQgetvalue(real, 0, 0));
        if (type->binary)
            check_binary(t, type, PQgetvalue(real, 0, 0), binary);
    }
    buf_fini(&canonical);
    PQclear(real);
    PQclear(binary);
}

struct values {
    const char *type;
    const char *texts[48];
};

static void check_values(seam_t *t, PGconn *connection, const struct values *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (const char *const *text = rows[i].texts; *text; text++) {
            seam_scope(t, "%s '%.80s'", rows[i].type, *text);
            check_value(t, connection, rows[i].type, *text);
        }
}

#define COUNT_OF(list) (sizeof(list) / sizeof *(list))

static const struct values numbers[] = {
    { "bool",
      { "t", "true", "TRUE", " tr ", "f", "false", "y", "yes", "n", "no", "on", "of", "off",
        "1", "0", "o", "", "2", "truex" } },
    { "int2", { "0", "-32768", "32767", "32768", " +12 ", "1.0", "", "-", "x" } },
    { "int4",
      { "0", "007", "-2147483648", "2147483647", "2147483648", "1e3", "12 3", "0x10" } },
    { "int8",
      { "9223372036854775807", "-9223372036854775808", "9223372036854775808",
        "-9223372036854775809", "99999999999999999999999", "\t5\n", "+", "--1" } },
    { "oid", { "0", "4294967295", "4294967296" } },
    { "float8",
      { "0",
        "-0",
        "1",
        "-1.5",
        "0.1",
        "1e23",
        "9007199254740993",
        "5e-324",
        "1.7976931348623157e308",
        "1e15",
        "1e14",
        "123456789012345",
        "1234567890123456",
        "0.0001",
        "0.00001",
        "1e-5",
        "NaN",

        "Infinity",
        "-inf",
        "+Infinity",
        " 1 ",
        "1e400",
        "1e-400",
        "",
        "abc",
        "1x",
        "1e",
        "2.2250738585072014e-308",
        "100",
        "9.5367431640625e-07",
        "8.41e21",
        "2e-44",
        "1.",
        ".5",
        "299792458",
        "4.35" } },
    { "float4",
      { "0",
        "-0",
        "1",
        "0.1",
        "1e6",
        "999999",
        "1e5",
        "1234567",
        "16777216",
        "3.4028235e38",
        "1e39",
        "1e-45",
        "1e-50",
        "NaN",
        "Infinity",
        "0.0001",
        "0.00001",
        "x",
        "8388608",
        "0.3",
        "1.1754944e-38" } },
    { "numeric",
      { "0",
        "-0",
        "0.00",
        "1",
        "-1.50",
        "+001.10",
        ".5",
        "5.",
        "10000",
        "9999",
        "10001",
        "0.0001",
        "0.00001",
        "1e10",
        "1e-10",
        "1.5e3",
        "123456789012345678901234567890.123456789",
        "NaN",
        "nan",
        "Infinity",
        "-inf",
        "1e131071",
        "1e131072",
        "1e-16383",
        "1e-16384",
        "0e-5",
        "0e400000",
        "",
        " 7 ",
        "1e",
        "1e+",
        ".",
        "1.2.3",
        "abc",
        "-",
        "100000000",
        "0.00010000",
        "-0.0",
        "1 2",
        "20000.0002" } },
    { "numeric(5,2)",
      { "1", "1.005", "1.004", "-1.005", "999.99", "999.995", "-999.995", "1000", "0.001",
        "-0.001", "NaN", "Infinity", "9.995", "99.999" } },
    { "numeric(3)", { "1.5", "2.5", "999.4", "999.5", "-0.4", "-0.5" } },
    { "numeric(3,-2)", { "1249", "1250", "99949", "99950", "49", "50", "0" } },
    { "numeric(2,4)", { "0.0099", "0.00994", "0.00995", "0.01", "0.00004", "0.00005" } },
};

SEAM_TEST(real_numbers_are_as_the_server_has_them)
{
    seam_via(t, check_values(t, connect_to(t), numbers, COUNT_OF(numbers)));
}

static const struct values texts[] = {
    { "text",
      { "", "a", " a ", "\xc3\xa9", "it's", "\xff", "a\xe2\x28\xa1", "a\xc3", "\xc0\x80",
        "\xf0\x9f\x98\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80" } },
    { "varchar(3)", { "a", "abc", "abcd", "abc   ", "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", "" } },
    { "varchar", { "abcd" } },
    { "char(3)", { "", "a", "abc", "abcd", "\xc3\xa9" } },
    { "bpchar", { "a  " } },
    { "name",
      { "a", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnop",
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghij\xc3\xa9z" } },
    { "bytea",
      { "", "\\x", "\\x00ff", "\\xAB cd", "abc", "a\\\\b", "\\001\\377", "\\x0", "\\x0g",
        "\\xg0", "\\9", "\\400", "a\\", "\xc3\xa9" } },
    { "uuid",
      { "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
        "{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}", "a0eebc999c0b4ef8bb6d6bb9bd380a11",
        "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", "", "a0eebc99",
        "{a0eebc999c0b4ef8bb6d6bb9bd380a11", "a0eebc999c0b4ef8bb6d6bb9bd380a11x",
        "a0eebc999c0b4ef8bb6d6bb9bd380a1g", " a0eebc999c0b4ef8bb6d6bb9bd380a11" } },
    { "json",
      { "{}", " {\"a\" : 1} ", "[1,2]", "\"x\"", "null", "{\"a\":1,\"a\":2}", "", "{",
        "{'a':1}", "01", "1.", "[1,]", "tru", "\"\\u0000\"", "\"\\ud800\"", "\"\\x\"",
        "\"a\nb\"", "1 2" } },
    { "jsonb",
      { "{}",
        "[]",
        "{\"bb\":1,\"a\":[1 ,2],\"c\":{}}",
        "{\"a\":1,\"a\":2}",
        "1.50",
        "1e2",
        "-0",
        "1.0E-3",
        "\"\\u00e9\\n\\/\\u0001\"",
        "\"\\ud83d\\ude00\"",
        "null",
        "true",
        "[[[]]]",
        "{\"\":1,\"b\":2,\"aa\":3}",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "{\"a\"}",
        "nul",
        "",
        "\"a\\\"\"",
        "{\"a\":1,}",
        "[1 2]",
        "\"\x7f\"" } },
};

SEAM_TEST(real_texts_are_as_the_server_has_them)
{
    PGconn *connection = connect_to(t);

    seam_via(t, check_values(t, connection, texts, COUNT_OF(texts)));
}

static const struct values times[] = {
    { "date",
      { "2000-01-01",
        "1999-12-31",
        "2024-02-29",
        "0001-01-01",
        "0044-03-15 BC",
        "4714-11-24 BC",
        "5874897-12-31",
        "5874898-01-01",
        "4715-01-01 BC",
        "infinity",
        "-infinity",
        "epoch",
        "19990108",
        "1999-1-8",
        "2023-02-29",
        "2023-13-01",
        "2023-00-01",
        "0000-01-01",
        "abc",
        "",
        "2020-01-01 10:00:00",
        "2020-01-01T10:00:00Z",
        " 2020-01-01 ",
        "12020-01-01",
        "1900-02-28",
        "1900-02-29",
        "2020-01-01 AD",
        "2020-01-",
        "2020-01-01 25:00" } },
    { "time",
      { "00:00:00", "04:05", "04:05:06", "04:05:06.789", "04:05:06.7890001", "23:59:59.999999",
        "24:00:00", "24:00:01", "23:60:00", "23:59:60", "25:00", "04:05:06.1234565", "x",
        "" } },
    { "time(2)", { "04:05:06.789", "04:05:06.785", "23:59:59.999" } },
    { "timestamp",
      { "2000-01-01 00:00:00",
        "1999-12-31 23:59:59.999999",
        "2024-02-29T12:00:00.5",
        "0044-03-15 12:00:00 BC",
        "4714-11-24 00:00:00 BC",
        "294276-12-31 23:59:59.999999",
        "294277-01-01",
        "infinity",
        "-infinity",
        "epoch",
        "2020-01-01",
        "2020-01-01 12:00:00+02",
        "2020-01-01 24:00:00",
        "2020-01-01 12:00:60",
        "2020-01-01 12:60:00",
        "abc",
        "2020-01-01 x",
        "1970-01-01 00:00:00.000001",
        "20200101 10:00",
        "10000-01-01 00:00:00" } },
    { "timestamp(0)",
      { "2020-01-01 00:00:00.5", "1999-01-01 00:00:00.5", "2020-12-31 23:59:59.6" } },
    { "timestamp(3)", { "2020-01-01 00:00:00.1235", "infinity" } },
    { "timestamptz",
      { "2020-01-01 12:00:00+00", "2020-01-01 12:00:00Z", "2020-01-01T12:00:00z",
        "2020-01-01 12:00:00", "0044-03-15 12:00:00+00 BC", "infinity",
        "2020-01-01 12:00:00 UTC", "2020-01-01 12:00:00+16:00", "2020-01-01 12:00:00+1:60",
        "2020-01-01 12:00:00.123456+00", "abc", "2020-01-01 12:00:00+0",
        "2020-01-01 12:00+" } },
    { "interval",
      { "1 year",
        "2 years",
        "1 mon",
        "-1 mon",
        "1 day",
        "-1 days",
        "01:00:00",
        "-01:00:00",
        "1 year 2 mons 3 days 04:05:06.789",
        "-1 year +2 mons -3 days +04:05:06",
        "00:00:00",
        "0",
        "1 day 04:05",
        "1 week",
        "1.5 hours",
        "1.5 days",
        "1.5 months",
        "1.5 years",
        "10",
        "1.25",
        "1-2",
        "P1Y2M3DT4H5M6S",
        "P2W",
        "PT36H",
        "1 hour ago",
        "@ 1 minute 30 secs",
        "100:00:00",
        "1 century",
        "1 millennium",
        "3 ms",
        "7 us",
        "x",
        "",
        "1 foo",
        "1 day 2",
        "5 day -1 hour",
        "1 mon -1 days",
        "999999999999 years",
        "-0.5 secs",
        "1:60:00",
        "P",
        "1 year 1 day" } },
    { "interval(1)", { "1.25 secs", "00:00:00.05" } },
};

SEAM_TEST(real_times_are_as_the_server_has_them)
{
    seam_via(t, check_values(t, connect_to(t), times, COUNT_OF(times)));
}

static const struct values arrays[] = {
    { "int4[]",
      { "{}",
        "{1}",
        "{1,2,3}",
        "{1,NULL,3}",
        " { 1 , null } ",
        "{{1,2},{3,4}}",
        "[2:3]={1,2}",
        "[1:2]={1,2}",
        "[0:1][2:3]={{1,2},{3,4}}",
        "[-1:0]={5,6}",
        "{1,2",
        "{1,,2}",
        "{1}}",
        "1",
        "",
        "{a}",
        "{{1},{2,3}}",
        "{{1},2}",
        "{1,{2}}",
        "[1:3]={1,2}",
        "[3:1]={}",
        "{99999999999}",
        "{ }",
        "{1} x",
        "[2]={1,2}" } },
    { "int8[]", { "{9223372036854775807,NULL}" } },
    { "text[]",
      { "{a,b}", "{\"a b\",c d}", "{\"\"}", "{NULL,\"NULL\",null,\"x\"}", "{\"a\\\"b\",a\\\\b}",
        "{\"{\",\"}\",\",\"}", "{ a , b  c }", "{\xc3\xa9}", "{\"a\nb\"}", "{\"a}", "{\\N}",
        "{it's}", "{a\"b\"}" } },
    { "bool[]", { "{t,true,f}" } },
    { "numeric(4,1)[]", { "{1.25,2,NULL}", "{1000}" } },
    { "varchar(2)[]", { "{abc,d}" } },
    { "float8[]", { "{1e3,0.10,NaN}" } },
    { "jsonb[]", { "{\"{\\\"a\\\":1}\"}" } },
    { "date[]", { "{2020-01-01,infinity}" } },
    { "timestamp[]", { "{\"2020-01-01 10:00:00\"}" } },
    { "uuid[]", { "{A0EEBC999C0B4EF8BB6D6BB9BD380A11}" } },
    { "bytea[]", { "{\"\\\\x4142\"}" } },
    { "inet", { "10.0.0.1" } },
    { "int4range", { "[1,5)" } },
};

SEAM_TEST(real_arrays_are_as_the_server_has_them)
{
    seam_via(t, check_values(t, connect_to(t), arrays, COUNT_OF(arrays)));
}

/* A server in another zone writes it with its own offset, and that is left alone. */
SEAM_TEST(real_instants_keep_the_zone_of_the_server)
{
    static const char *const zones[] = { "Asia/Kolkata", "America/St_Johns", "Europe/Berlin" };
    PGconn *connection = connect_to(t);

    for (size_t i = 0; i < COUNT_OF(zones); i++) {
        PGresult *real;
        struct buf canonical = BUF_INIT(200);
        const char *text;

        PQclear(PQexec(connection, seam_format(t, "SET timezone = '%s'", zones[i])));
        real = PQexec(connection, "SELECT timestamptz '2020-07-01 12:00:00.5+00'");
        text = PQgetvalue(real, 0, 0);
        seam_scope(t, "%s", text);
        seam_check_ok(
            t, pg_canonical(pg_type_of_oid(1184), -1, text, strlen(text), &canonical, NULL));
        seam_check_eq(t, buf_text(&canonical), text);
        buf_fini(&canonical);
        PQclear(real);
    }
}

/* ---- many values ------------------------------------------------------------------------------ */

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* What pg_to_text makes of random bytes of a type the server has to read as the same bytes, and write as the
 * same text. */
static void check_random(seam_t *t, PGconn *connection, const char *name, int64_t modulus)
{
    uint64_t state = 88172645463325252u;
    const struct pg_type *type;
    int modifier;

    seam_require_ok(t, pg_type_parse(name, &type, &modifier, NULL));
    for (int i = 0; i < 150; i++) {
        struct buf text = BUF_INIT(200);
        int64_t value = (int64_t)next_random(&state);
        char bytes[8];

        value = modulus ? value % modulus : value;
        for (int at = 0; at < type->size; at++)
            bytes[at] = (char)(value >> (8 * (type->size - 1 - at)));
        seam_require_ok(t, pg_to_text(type, bytes, (size_t)type->size, &text, NULL));
        seam_scope(t, "%s %s", name, buf_text(&text));
        if (!strchr("NI-", *buf_text(&text)) || strlen(buf_text(&text)) > 9)
            seam_via(t, check_value(t, connection, name, buf_text(&text)));
        buf_fini(&text);
    }
}

SEAM_TEST(real_random_values_go_both_ways)
{
    PGconn *connection = connect_to(t);

    seam_via(t, check_random(t, connection, "float8", 0));
    seam_via(t, check_random(t, connection, "float4", 0));
    seam_via(t, check_random(t, connection, "int8", 0));
    seam_via(t, check_random(t, connection, "date", 2000000));
    seam_via(t, check_random(t, connection, "timestamp", 200000000000000000));
    seam_via(t, check_random(t, connection, "timestamptz", 200000000000000000));
}
