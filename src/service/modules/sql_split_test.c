/* service/modules/sql_split_test.c - where statements end, and on which line they began. */
//seam:cflags -I../.. -I../../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources ../../net/tls_certificate.c ../../net/tls_error.c ../authority.c
//seam:sources ../../base/*.c ../../lease/image_lock.c ../child.c ../clean.c ../identity.c ../image.c ../keeper.c ../port.c ../watch.c
//seam:sources ../engine*.c ../tar*.c ../probe*.c ../wait*.c ../run_label.c ../relay.c
//seam:pkg-config libpq
//seam:pkg-config hiredis
//seam:pkg-config libcurl
//seam:pkg-config jansson
//seam:pkg-config openssl
//seam:pkg-config libpcre2-8
//seam:pkg-config librabbitmq

#include "service/modules/sql_split.h"

#include <seam/seam.h>

#include <stdio.h>
#include <string.h>

struct row {
    const char *name;
    const char *script;
    const char *want; /* "line:statement|", one after another */
};

static const struct row rows[] = {
    { "nothing", " \n-- a; comment\n/* and; /* another; */ */ ;; ", "" },
    { "two", "select 1;\nselect 2", "1:select 1|2:select 2|" },
    { "comment before", "-- first\n\nselect 1;", "3:select 1|" },
    { "text", "select 'a;b', 'it''s;', E'\\';';select 2",
      "1:select 'a;b', 'it''s;', E'\\';'|1:select 2|" },
    { "backslash in a plain text", "select '\\';select 2", "1:select '\\'|1:select 2|" },
    { "name", "select 1 as \"a;\"\"b\";", "1:select 1 as \"a;\"\"b\"|" },
    { "dollar", "do $$ begin; end $$;select $x$;$$;$x$;",
      "1:do $$ begin; end $$|1:select $x$;$$;$x$|" },
    { "parameter", "select $1;select a$b;", "1:select $1|1:select a$b|" },
    { "rule", "create rule r as on insert to a do (delete from b; delete from c);select 1;",
      "1:create rule r as on insert to a do (delete from b; delete from c)|1:select 1|" },
    { "atomic",
      "create function f() returns int begin atomic select case when true then 1 end; "
      "end;\nselect 2;",
      "1:create function f() returns int begin atomic select case when true then 1 end; "
      "end|2:select 2|" },
    { "transaction", "begin;select 1;end;", "1:begin|1:select 1|1:end|" },
    { "unfinished", "select 'a;", "1:select 'a;|" },
};

SEAM_SUBTEST(split_one)
{
    const struct row *row = arg;
    struct sql_script script = SQL_SCRIPT(row->script);
    struct sql_statement statement;
    char got[512] = "";
    size_t used = 0;

    while (sql_next(&script, &statement))
        used += (size_t)snprintf(got + used, sizeof got - used, "%d:%.*s|", statement.line,
                                 (int)statement.size, statement.text);
    seam_check_str(t, got, row->want);
}

SEAM_TEST(sql_is_split_at_the_right_semicolons)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        seam_run(t, rows[i].name, split_one, &rows[i]);
}

SEAM_TEST(sql_copy_takes_the_lines_behind_it)
{
    struct sql_script script =
        SQL_SCRIPT("COPY public.t (a) FROM  stdin;\n1;\n2\n\\.\nselect 1;");
    struct sql_statement statement;
    const char *data;
    size_t size;

    seam_require(t, sql_next(&script, &statement));
    seam_check(t, sql_is_copy(&statement));
    size = sql_copy_data(&script, &data);
    seam_check_mem(t, data, size, "1;\n2\n", 5);
    seam_require(t, sql_next(&script, &statement));
    seam_check(t, !sql_is_copy(&statement));
    seam_check_eq(t, statement.line, 5);
    seam_check(t, !sql_next(&script, &statement));
}

SEAM_TEST(sql_copy_from_a_file_has_no_lines)
{
    struct sql_script script = SQL_SCRIPT("copy t from '/tmp/stdin'; copy t to stdout");
    struct sql_statement statement;

    seam_require(t, sql_next(&script, &statement));
    seam_check(t, !sql_is_copy(&statement));
    seam_require(t, sql_next(&script, &statement));
    seam_check(t, !sql_is_copy(&statement));
}

SEAM_TEST(sql_position_counts_characters)
{
    const struct sql_statement statement = { "select 'ä',\n  nope", 18, 7 };

    seam_check_eq(t, sql_line(&statement, 0), 7);
    seam_check_eq(t, sql_line(&statement, 11), 7);
    seam_check_eq(t, sql_line(&statement, 15), 8);
}
