/* pg/fact_derive.c - ask a real server for a fact; see fact.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pg/fact.h"

struct deriving {
    struct real_session *session;
    uint64_t deadline_ns;
    struct arena *arena;
};

static void put_parse(struct buf *to, const struct pg_fact *fact)
{
    size_t begun = pg_begin(to, 'P');
    size_t count = *fact->types != '\0';
    const char *at = fact->types;

    for (const char *comma = at; (comma = strchr(comma, ',')); comma++)
        count++;
    pg_put_text(to, "");
    pg_put_text(to, fact->sql);
    pg_put_int16(to, (int)count);
    while (count-- > 0) {
        char *end;

        pg_put_int32(to, (int32_t)strtoul(at, &end, 10));
        at = *end ? end + 1 : end;
    }
    pg_end(to, begun);
}

/* One row with the name of a type as a rule has it, "int8", and whether a column of a table may be NULL. */
static void ask_words(const struct deriving *of, uint32_t type, int modifier, uint32_t table,
                      int number, const char *ret[2])
{
    static const char question[] =
        "SELECT CASE WHEN $2::int4 <> -1 OR t.typnamespace <> 'pg_catalog'::regnamespace"
        " OR t.typname = 'char' THEN format_type($1::oid, $2::int4)"
        " WHEN t.typelem <> 0 AND t.typlen = -1 THEN e.typname || '[]' ELSE t.typname END,"
        " (SELECT attnotnull FROM pg_attribute WHERE attrelid = $3::oid AND attnum = $4::int2)"
        " FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem WHERE t.oid = $1::oid";
    const char *arguments[] = { arena_printf(of->arena, "%lu", (unsigned long)type),
                                arena_printf(of->arena, "%d", modifier),
                                arena_printf(of->arena, "%lu", (unsigned long)table),
                                arena_printf(of->arena, "%d", number) };
    struct pg_error error;

    ret[0] = ret[1] = NULL;
    real_ask(of->session, of->deadline_ns, of->arena, question, arguments, 4, ret, 2, &error);
}

static void take_parameters(const struct deriving *of, const struct pg_frame *frame,
                            struct pg_fact *fact)
{
    struct pg_body body = pg_body(frame);
    int count = pg_get_int16(&body);

    for (int i = 0; i < count; i++) {
        const char *words[2];

        ask_words(of, (uint32_t)pg_get_int32(&body), -1, 0, 0, words);
        fact->parameters = arena_printf(of->arena, "%s%s%s", fact->parameters,
                                        i > 0 ? ", " : "", words[0] ? words[0] : "?");
    }
}

static void take_columns(const struct deriving *of, const struct pg_frame *frame,
                         struct pg_fact *fact)
{
    struct pg_body body = pg_body(frame);
    size_t count = frame->type == 'T' ? (size_t)pg_get_int16(&body) : 0;
    struct pg_fact_column *columns = arena_zero(of->arena, (count + 1) * sizeof *columns);

    for (size_t i = 0; i < count && !body.failed; i++) {
        const char *words[2];
        uint32_t table, type;
        int number, modifier;

        columns[i].name = pg_get_text(&body);
        table = (uint32_t)pg_get_int32(&body);
        number = pg_get_int16(&body);
        type = (uint32_t)pg_get_int32(&body);
        pg_get_int16(&body);
        modifier = pg_get_int32(&body);
        pg_get_int16(&body);
        ask_words(of, type, modifier, table, number, words);
        columns[i].type = words[0] ? words[0] : "?";
        columns[i].nullable = !words[1] ? "-" : *words[1] == 't' ? "not null" : "null";
    }
    fact->columns = columns;
    fact->column_count = count;
}

int pg_fact_derive(struct real_session *session, uint64_t deadline_ns, struct arena *arena,
                   struct pg_fact *fact, struct err *err)
{
    const struct deriving of = { session, deadline_ns, arena };
    struct pg_messages said;
    struct pg_error error;
    int r;

    fact->sqlstate = fact->message = NULL;
    fact->parameters = "";
    fact->column_count = 0;
    put_parse(&session->out, fact);
    real_put(session, 'D', "S", 2);
    real_put(session, 'S', "", 0);
    r = real_exchange(session, "Z", deadline_ns, arena, &said, err);
    if (r < 0)
        return -EIO;
    if (pg_messages_error(&said, &error)) {
        fact->sqlstate = error.sqlstate;
        fact->message = error.message;
        return 0;
    }
    for (const struct pg_message *at = said.first; at; at = at->next)
        if (at->frame.type == 't')
            take_parameters(&of, &at->frame, fact);
        else if (at->frame.type == 'T')
            take_columns(&of, &at->frame, fact);
    return 0;
}
