/* pg/verify_script_test.c - transcripts written by hand; see verify_test.h. */

#include <string.h>

#include "pg/verify_test.h"
#include "test/t.h"

enum { SESSIONS = 4 };

struct script {
    seam_t *t;
    struct arena arena;
    struct pg_transcript transcript;
    struct pg_verifier verifier;
    char state[SESSIONS];
};

SEAM_CLEANUP_FN(free_set, pg_rule_set_free, struct pg_rule_set *);

static void fini(void *arg)
{
    struct script *script = arg;

    pg_verifier_fini(&script->verifier);
    pg_transcript_fini(&script->transcript);
    arena_fini(&script->arena);
}

struct script *script_new(seam_t *t, const char *migrations, const char *seed)
{
    struct script *script = seam_alloc(t, sizeof *script);

    script->t = t;
    pg_transcript_init(&script->transcript);
    pg_verifier_init(&script->verifier, t, (seam_site){ "orders_test.c", 1 },
                     &script->transcript);
    script->verifier.migrations = migrations;
    script->verifier.seed = seed;
    seam_cleanup(t, fini, script);
    return script;
}

seam_verify_counts script_verify(struct script *script)
{
    const struct pg_turn *last = script->transcript.first;

    while (last && last->next)
        last = last->next;
    pg_verifier_run(&script->verifier, script->transcript.first, last);
    return script->verifier.counts;
}

const char *script_value(struct script *script, const char *sql)
{
    const char *value = NULL;

    verify_ask(&script->verifier, sql, NULL, 0, &value, 1, NULL);
    return value;
}

struct verify_session *script_session(struct script *script)
{
    return script->verifier.sessions;
}

const char *script_server_text(struct script *script, uint32_t type, int modifier,
                               const char *text)
{
    struct pg_error error;

    return verify_server_text(&script->verifier, script_session(script), type, modifier, text,
                              &error);
}

/* ---- turns */

static struct pg_turn *add(struct script *script, int session, char type, const void *body,
                           size_t size)
{
    const struct pg_frame frame = { type, body, size };

    return pg_transcript_add(&script->transcript, session, &frame);
}

static void answer(struct script *script, struct pg_turn *turn, struct buf *answer)
{
    pg_transcript_answer(&script->transcript, turn, answer->data, answer->size);
    buf_fini(answer);
}

static void answer_short(struct script *script, struct pg_turn *turn, char type)
{
    struct buf said = BUF_INIT(100);

    pg_end(&said, pg_begin(&said, type));
    answer(script, turn, &said);
}

static void put_ready(struct buf *to, char state)
{
    size_t begun = pg_begin(to, 'Z');

    pg_put_byte(to, state);
    pg_end(to, begun);
}

void script_start(struct script *script, int session)
{
    static const char pairs[] = "user\0ada\0database\0shop\0";
    struct buf said = BUF_INIT(100);
    struct pg_turn *turn = add(script, session, 0, pairs, sizeof pairs);

    script->state[session] = 'I';
    put_ready(&said, 'I');
    answer(script, turn, &said);
}

void script_end(struct script *script, int session)
{
    add(script, session, 'X', "", 0);
}

/* ---- what a rule answers */

static const struct pg_rule *rule_of(struct script *script, const seam_pg_rule *said)
{
    struct pg_rule_set *set = pg_rule_set_new();
    struct pg_sql *is = arena_zero(&script->arena, sizeof *is);
    struct pg_call call = { .sql = said->sql, .is = is, .arena = &script->arena };
    const struct pg_rule *rule;
    struct err err;
    bool forbidden;

    seam_cleanup(script->t, free_set, set);
    pg_sql_classify(is, said->sql, &script->arena);
    if (pg_rule_add(set, said, ".", &err) < 0)
        seam_fatal(script->t, "%d: %s", said->site.line, err.text);
    rule = pg_rule_choose(set, &call, &forbidden);
    if (!rule)
        seam_fatal(script->t, "%d: the rule does not match itself", said->site.line);
    return rule;
}

static void put_columns(struct buf *to, const struct pg_rule *rule)
{
    const struct pg_columns *columns = pg_rule_columns(rule);
    size_t begun;

    if (!pg_rule_has_rows(rule)) {
        pg_end(to, pg_begin(to, 'n'));
        return;
    }
    begun = pg_begin(to, 'T');
    pg_put_int16(to, (int)columns->count);
    for (size_t i = 0; i < columns->count; i++) {
        const struct pg_column *column = &columns->at[i];

        pg_put_text(to, column->name);
        pg_put_int32(to, (int32_t)column->table);
        pg_put_int16(to, column->number);
        pg_put_int32(to, (int32_t)column->type);
        pg_put_int16(to, column->type_size);
        pg_put_int32(to, column->modifier);
        pg_put_int16(to, 0);
    }
    pg_end(to, begun);
}

static void put_rows(struct buf *to, const struct pg_rule *rule)
{
    size_t width = pg_rule_columns(rule)->count;

    for (size_t n = 0; pg_rule_has_rows(rule) && n < pg_rule_row_count(rule); n++) {
        const struct pg_cell *cells = pg_rule_row(rule, n);
        size_t begun = pg_begin(to, 'D');

        pg_put_int16(to, (int)width);
        for (size_t i = 0; i < width; i++) {
            pg_put_int32(to, cells[i].text ? (int32_t)cells[i].size : -1);
            if (cells[i].text)
                buf_add(to, cells[i].text, cells[i].size);
        }
        pg_end(to, begun);
    }
}

static void put_tag(struct script *script, struct buf *to, const struct pg_rule *rule,
                    const char *sql)
{
    size_t begun = pg_begin(to, 'C');
    struct pg_sql is;

    pg_sql_classify(&is, sql, &script->arena);
    if (rule && pg_rule_said(rule)->tag)
        pg_put_text(to, pg_rule_said(rule)->tag);
    else if (rule && is.command && strcmp(is.command, "INSERT") == 0)
        pg_put_text(to, arena_printf(&script->arena, "INSERT 0 %zu", pg_rule_row_count(rule)));
    else if (rule)
        pg_put_text(
            to, arena_printf(&script->arena, "%s %zu", is.command, pg_rule_row_count(rule)));
    else
        pg_put_text(to, is.command);
    pg_end(to, begun);
}

static void put_result(struct script *script, int session, struct buf *to,
                       const struct pg_rule *rule, const char *sql)
{
    const struct pg_error *error = rule ? pg_rule_error(rule) : NULL;

    if (rule)
        put_rows(to, rule);
    if (!error) {
        put_tag(script, to, rule, sql);
        return;
    }
    pg_put_error(to, 'E', error);
    script->state[session] = script->state[session] == 'I' ? 'I' : 'E';
}

static void claim(struct script *script, struct pg_turn *turn, const char *sql,
                  const struct pg_rule *rule, bool expected)
{
    struct pg_claim claim = { .sql = sql,
                              .rule = rule,
                              .expected = expected,
                              .site = rule ? pg_rule_site(rule)
                                           : (seam_site){ "orders_test.c", 1 } };

    pg_transcript_claim(&script->transcript, turn, &claim);
}

/* ---- simple queries */

static struct pg_turn *add_query(struct script *script, int session, const char *sql)
{
    return add(script, session, 'Q', sql, strlen(sql) + 1);
}

void script_query(struct script *script, int session, const seam_pg_rule *said)
{
    const struct pg_rule *rule = rule_of(script, said);
    struct pg_turn *turn = add_query(script, session, said->sql);
    struct buf to = BUF_INIT(1 << 20);

    claim(script, turn, said->sql, rule, true);
    if (pg_rule_has_rows(rule))
        put_columns(&to, rule);
    put_result(script, session, &to, rule, said->sql);
    put_ready(&to, script->state[session]);
    answer(script, turn, &to);
}

void script_auto(struct script *script, int session, const char *sql)
{
    struct pg_turn *turn = add_query(script, session, sql);
    struct buf to = BUF_INIT(1000);
    struct pg_sql is;

    pg_sql_classify(&is, sql, &script->arena);
    if (is.kind == PG_SQL_COMMIT && script->state[session] == 'E')
        sql = "ROLLBACK";
    if (is.kind == PG_SQL_BEGIN)
        script->state[session] = 'T';
    if (is.kind == PG_SQL_COMMIT || is.kind == PG_SQL_ROLLBACK)
        script->state[session] = 'I';
    claim(script, turn, (const char *)turn->body, NULL, true);
    put_tag(script, &to, NULL, sql);
    put_ready(&to, script->state[session]);
    answer(script, turn, &to);
}

void script_nobody(struct script *script, int session, const char *sql)
{
    const struct pg_error error = { .severity = "ERROR",
                                    .sqlstate = "SM001",
                                    .message = "not expected" };
    struct pg_turn *turn = add_query(script, session, sql);
    struct buf to = BUF_INIT(1000);

    claim(script, turn, sql, NULL, false);
    pg_put_error(&to, 'E', &error);
    script->state[session] = script->state[session] == 'I' ? 'I' : 'E';
    put_ready(&to, script->state[session]);
    answer(script, turn, &to);
}

/* ---- the extended protocol */

static void add_parse(struct script *script, int session, const char *name, const char *sql)
{
    struct buf body = BUF_INIT(1 << 20);

    pg_put_text(&body, name);
    pg_put_text(&body, sql);
    pg_put_int16(&body, 0);
    answer_short(script, add(script, session, 'P', body.data, body.size), '1');
    buf_fini(&body);
}

static void add_bind(struct script *script, int session, const char *name,
                     const char *const *args)
{
    struct buf body = BUF_INIT(1 << 20);
    int count = 0;

    while (args && args[count] && *args[count])
        count++;
    pg_put_text(&body, "");
    pg_put_text(&body, name);
    pg_put_int16(&body, 0);
    pg_put_int16(&body, count);
    for (int i = 0; i < count; i++) {
        pg_put_int32(&body, (int32_t)strlen(args[i]));
        buf_add_text(&body, args[i]);
    }
    pg_put_int16(&body, 1);
    pg_put_int16(&body, 0);
    answer_short(script, add(script, session, 'B', body.data, body.size), '2');
    buf_fini(&body);
}

static void add_execute(struct script *script, int session, const struct pg_rule *rule,
                        const char *sql)
{
    struct pg_turn *turn = add(script, session, 'D', "P", 2);
    struct buf to = BUF_INIT(1 << 20);

    put_columns(&to, rule);
    answer(script, turn, &to);
    turn = add(script, session, 'E', "\0\0\0\0", 5);
    claim(script, turn, sql, rule, true);
    to = BUF_INIT(1 << 20);
    put_result(script, session, &to, rule, sql);
    answer(script, turn, &to);
}

void script_sync(struct script *script, int session)
{
    struct pg_turn *turn = add(script, session, 'S', "", 0);
    struct buf to = BUF_INIT(100);

    put_ready(&to, script->state[session]);
    answer(script, turn, &to);
}

void script_params(struct script *script, int session, const seam_pg_rule *said,
                   const char *const *args, bool sync)
{
    const struct pg_rule *rule = rule_of(script, said);

    add_parse(script, session, "", said->sql);
    add_bind(script, session, "", args);
    add_execute(script, session, rule, said->sql);
    if (sync)
        script_sync(script, session);
}

void script_prepare(struct script *script, int session, const char *name, const char *sql)
{
    add_parse(script, session, name, sql);
    script_sync(script, session);
}

void script_prepared(struct script *script, int session, const char *name,
                     const seam_pg_rule *said, const char *const *args)
{
    const struct pg_rule *rule = rule_of(script, said);

    add_bind(script, session, name, args);
    add_execute(script, session, rule, said->sql);
    script_sync(script, session);
}
