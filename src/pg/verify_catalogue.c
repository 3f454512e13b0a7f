/* pg/verify_catalogue.c - what the helper session knows of the real database; see verify.h. */

#include <stdlib.h>
#include <string.h>

#include "pg/verify.h"
#include "test/t.h"

/* It costs as much as many statements, and most tests need none of it. */
bool verify_open_helper(struct pg_verifier *verifier, struct pg_error *ret_error)
{
    static const char *const pairs[] = { "options", "-c lock_timeout=1000", NULL };
    struct err err;

    if (real_is_open(&verifier->helper))
        return true;
    *ret_error = (struct pg_error){ .message = "there is no session for questions" };
    if (verifier->helper_failed)
        return false;
    real_end(&verifier->helper);
    if (real_open(&verifier->helper, &verifier->address, pairs, verify_deadline(verifier),
                  &err) < 0) {
        verifier->helper_failed = true;
        seam_error_at(verifier->t, verifier->site, "the double cannot be verified: %s",
                      err.text);
        return false;
    }
    verifier->helper.fd = t_private_fd(verifier->helper.fd);
    return true;
}

bool verify_help(struct pg_verifier *verifier, const char *sql, struct pg_error *ret_error)
{
    struct pg_messages said;
    struct err err;
    int r;

    if (!verify_open_helper(verifier, ret_error))
        return false;
    r = real_query(&verifier->helper, sql, verify_deadline(verifier), &verifier->arena, &said,
                   &err);
    *ret_error = (struct pg_error){ 0 };
    if (pg_messages_error(&said, ret_error))
        return false;
    if (r < 0)
        ret_error->message = arena_dup(&verifier->arena, err.text);
    return r == 0;
}

bool verify_ask(struct pg_verifier *verifier, const char *sql, const char *const *arguments,
                size_t argument_count, const char **ret, size_t count,
                struct pg_error *ret_error)
{
    struct pg_error error = { 0 };
    bool found = verify_open_helper(verifier, &error) &&
                 real_ask(&verifier->helper, verify_deadline(verifier), &verifier->arena, sql,
                          arguments, argument_count, ret, count, &error);

    if (ret_error)
        *ret_error = error;
    return found;
}

static const char *number_text(struct pg_verifier *verifier, long number)
{
    return arena_printf(&verifier->arena, "%ld", number);
}

/* ---- columns */

static struct verify_column *ask_column(struct pg_verifier *verifier, uint32_t table,
                                        int number)
{
    static const char question[] = "SELECT c.oid::regclass::text, a.attname, a.attnotnull,"
                                   " pg_get_serial_sequence(c.oid::regclass::text, a.attname)"
                                   " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
                                   " WHERE c.oid = $1::oid AND a.attnum = $2::int2";
    const char *arguments[] = { number_text(verifier, table), number_text(verifier, number) };
    struct verify_column *column = arena_zero(&verifier->arena, sizeof *column);
    const char *fields[4] = { NULL };

    *column = (struct verify_column){ .table = table, .number = number };
    if (verify_ask(verifier, question, arguments, 2, fields, 4, NULL)) {
        column->table_name = fields[0];
        column->name = fields[1];
        column->not_null = fields[2] && *fields[2] == 't';
        column->sequence = fields[3];
    }
    column->next = verifier->columns;
    verifier->columns = column;
    return column;
}

/* One that the helper cannot see, of a table that an open transaction made, has no names. */
const struct verify_column *verify_column_of(struct pg_verifier *verifier, uint32_t table,
                                             int number)
{
    for (struct verify_column *column = verifier->columns; column; column = column->next)
        if (column->table == table && column->number == number)
            return column;
    return ask_column(verifier, table, number);
}

const char *verify_type_name(struct pg_verifier *verifier, uint32_t type, int modifier)
{
    const char *arguments[] = { number_text(verifier, type), number_text(verifier, modifier) };
    const struct pg_type *known = pg_type_of_oid(type);
    const char *name = NULL;

    if (known && modifier == -1)
        return known->name;
    if (!verify_ask(verifier, "SELECT format_type($1::oid, $2::int4)", arguments, 2, &name, 1,
                    NULL) ||
        !name)
        return known ? known->name : "an unknown type";
    return name;
}

const char *verify_referenced_table(struct pg_verifier *verifier, const char *constraint)
{
    const char *name = NULL;

    if (constraint)
        verify_ask(verifier,
                   "SELECT confrelid::regclass::text FROM pg_constraint"
                   " WHERE conname = $1 AND contype = 'f'",
                   &constraint, 1, &name, 1, NULL);
    return name;
}

/* ---- values */

static void take_settings(struct pg_verifier *verifier, const struct real_session *like)
{
    struct pg_error error;

    if (strcmp(verifier->helper.zone, like->zone) != 0)
        verify_help(verifier, arena_printf(&verifier->arena, "SET TimeZone = '%s'", like->zone),
                    &error);
    if (strcmp(verifier->helper.date_style, like->date_style) != 0)
        verify_help(verifier,
                    arena_printf(&verifier->arena, "SET DateStyle = '%s'", like->date_style),
                    &error);
}

const char *verify_server_text(struct pg_verifier *verifier, const struct verify_session *like,
                               uint32_t type, int modifier, const char *text,
                               struct pg_error *ret_error)
{
    const char *sql = arena_printf(&verifier->arena, "SELECT CAST(CAST($1 AS text) AS %s)",
                                   verify_type_name(verifier, type, modifier));
    const char *answer = NULL;

    take_settings(verifier, &like->real);
    return verify_ask(verifier, sql, &text, 1, &answer, 1, ret_error) ? answer : NULL;
}
