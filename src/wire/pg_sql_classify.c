/* wire/pg_sql_classify.c - what kind of statement it is; see pg_sql.h. */

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "wire/pg_lex.h"
#include "wire/pg_sql.h"
#include "wire/pg_sql_command.h"
#include "wire/pg_words.h"

enum { PARAMETER_DIGITS = 6, VALUE_CAP = 1 << 16 };

/* ---- transactions -------------------------------------------------------------------------- */

/* ISOLATION LEVEL ..., READ ONLY, NOT DEFERRABLE; what is none of these is passed over. */
static void read_modes(struct pg_sql *sql, struct pg_words *words)
{
    static const char *const levels[] = { "serializable", "repeatable read", "read committed",
                                          "read uncommitted" };

    while (!pg_words_are_over(words)) {
        if (pg_words_take_all(words, "isolation level")) {
            for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
                if (pg_words_take_all(words, levels[i]))
                    sql->isolation = levels[i];
        } else if (pg_words_take_all(words, "read only")) {
            sql->read_only = 1;
        } else if (pg_words_take_all(words, "read write")) {
            sql->read_only = 0;
        } else if (pg_words_take_all(words, "not deferrable")) {
            sql->deferrable = 0;
        } else if (pg_words_take(words, "deferrable")) {
            sql->deferrable = 1;
        } else {
            pg_words_skip(words);
        }
    }
}

static void skip_work(struct pg_words *words)
{
    if (!pg_words_take(words, "work"))
        pg_words_take(words, "transaction");
}

static void read_begin(struct pg_sql *sql, struct pg_words *words)
{
    sql->kind = PG_SQL_BEGIN;
    skip_work(words);
    read_modes(sql, words);
}

static void read_end(struct pg_sql *sql, struct pg_words *words, enum pg_sql_kind kind)
{
    if (pg_words_see(words, "prepared"))
        return;
    sql->kind = kind;
    skip_work(words);
    sql->chain = pg_words_take_all(words, "and chain");
}

static void read_commit(struct pg_sql *sql, struct pg_words *words)
{
    read_end(sql, words, PG_SQL_COMMIT);
}

static void read_rollback(struct pg_sql *sql, struct pg_words *words)
{
    read_end(sql, words, PG_SQL_ROLLBACK);
    if (!pg_words_take(words, "to"))
        return;
    sql->kind = PG_SQL_ROLLBACK_TO;
    pg_words_take(words, "savepoint");
    sql->name = pg_words_text(words);
}

static void read_savepoint(struct pg_sql *sql, struct pg_words *words)
{
    sql->kind = PG_SQL_SAVEPOINT;
    sql->name = pg_words_text(words);
}

static void read_release(struct pg_sql *sql, struct pg_words *words)
{
    sql->kind = PG_SQL_RELEASE;
    pg_words_take(words, "savepoint");
    sql->name = pg_words_text(words);
}

/* ---- prepared statements and cursors ------------------------------------------------------- */

static void read_prepare(struct pg_sql *sql, struct pg_words *words)
{
    if (pg_words_see(words, "transaction"))
        return;
    sql->kind = PG_SQL_PREPARE;
    sql->name = pg_words_text(words);
    if (pg_words_see(words, "("))
        sql->types = pg_words_parentheses(words);
    if (pg_words_take(words, "as"))
        sql->inner = arena_dup(words->arena, words->now.at);
}

static void read_execute(struct pg_sql *sql, struct pg_words *words)
{
    sql->kind = PG_SQL_EXECUTE;
    sql->name = pg_words_text(words);
    if (pg_words_see(words, "("))
        sql->inner = pg_words_parentheses(words);
}

static const char *name_or_all(struct pg_words *words)
{
    return pg_words_see(words, "all") ? NULL : pg_words_text(words);
}

static void read_deallocate(struct pg_sql *sql, struct pg_words *words)
{
    sql->kind = PG_SQL_DEALLOCATE;
    pg_words_take(words, "prepare");
    sql->name = name_or_all(words);
}

static void read_discard(struct pg_sql *sql, struct pg_words *words)
{
    sql->kind = PG_SQL_DISCARD;
    sql->name = name_or_all(words);
}

static void read_close(struct pg_sql *sql, struct pg_words *words)
{
    sql->kind = PG_SQL_CLOSE;
    sql->name = name_or_all(words);
}

/* ---- notifications ------------------------------------------------------------------------- */

static void read_listen(struct pg_sql *sql, struct pg_words *words)
{
    sql->kind = PG_SQL_LISTEN;
    if (words->now.kind != PG_TOKEN_OPERATOR) /* UNLISTEN * */
        sql->name = pg_words_text(words);
}

static void read_notify(struct pg_sql *sql, struct pg_words *words)
{
    sql->kind = PG_SQL_NOTIFY;
    sql->name = pg_words_text(words);
    if (pg_words_take(words, ","))
        sql->value = pg_words_text(words);
}

/* ---- parameters ---------------------------------------------------------------------------- */

/* Names that are more than one word, and those that SET has words of its own for. */
static const struct {
    const char *words, *name;
} spoken[] = {
    { "time zone", "timezone" },
    { "transaction isolation level", "transaction_isolation" },
    { "session authorization", "session_authorization" },
    { "xml option", "xmloption" },
};
static const struct {
    const char *words, *name;
} spoken_by_set[] = {
    { "role", "role" },
    { "names", "client_encoding" },
    { "schema", "search_path" },
};

static const char *parameter_name(struct pg_words *words)
{
    const char *name;

    for (size_t i = 0; i < sizeof spoken / sizeof *spoken; i++)
        if (pg_words_take_all(words, spoken[i].words))
            return spoken[i].name;
    name = name_or_all(words);
    while (name && pg_words_take(words, "."))
        name = arena_printf(words->arena, "%s.%s", name,
                            pg_words_are_over(words) ? "" : pg_words_text(words));
    return name;
}

/* A list is its elements with ", " between; a sign belongs to its number. */
static const char *parameter_value(struct pg_words *words)
{
    struct buf value = BUF_INIT(VALUE_CAP);
    const char *text;

    if (pg_words_see(words, "default") || pg_words_are_over(words))
        return NULL;
    while (!pg_words_are_over(words)) {
        bool is_sign = words->now.kind == PG_TOKEN_OPERATOR;

        if (pg_words_take(words, ",")) {
            buf_add_text(&value, ", ");
            continue;
        }
        text = pg_words_text(words);
        if (!is_sign || *text == '-')
            buf_add_text(&value, text);
    }
    text = arena_dup(words->arena, buf_text(&value));
    buf_fini(&value);
    return text;
}

static void read_set_transaction(struct pg_sql *sql, struct pg_words *words, const char *name)
{
    sql->name = name;
    read_modes(sql, words);
}

static bool takes_equals(struct pg_words *words)
{
    if (words->now.kind != PG_TOKEN_OPERATOR || words->now.size != 1 || *words->now.at != '=')
        return pg_words_take(words, "to");
    pg_words_skip(words);
    return true;
}

static void read_set(struct pg_sql *sql, struct pg_words *words)
{
    struct pg_words behind;

    if (pg_words_see(words, "constraints"))
        return;
    sql->kind = PG_SQL_SET;
    if (pg_words_take_all(words, "session characteristics as transaction")) {
        read_set_transaction(sql, words, "SESSION CHARACTERISTICS");
        return;
    }
    sql->local = pg_words_take(words, "local");
    if (pg_words_take(words, "transaction")) {
        read_set_transaction(sql, words, "TRANSACTION");
        return;
    }
    if (!sql->local && !pg_words_take_all(words, "session authorization"))
        pg_words_take(words, "session");
    else if (!sql->local)
        sql->name = "session_authorization";
    for (size_t i = 0; !sql->name && i < sizeof spoken_by_set / sizeof *spoken_by_set; i++) {
        behind = *words;
        if (pg_words_take(&behind, spoken_by_set[i].words) && !takes_equals(&behind)) {
            sql->name = spoken_by_set[i].name;
            *words = behind;
        }
    }
    behind = *words;
    if (pg_words_take_all(&behind, "time zone local")) { /* the default, by another name */
        sql->name = "timezone";
        return;
    }
    if (!sql->name)
        sql->name = parameter_name(words);
    takes_equals(words);
    sql->value = parameter_value(words);
}

static void read_reset(struct pg_sql *sql, struct pg_words *words)
{
    sql->kind = PG_SQL_SET;
    sql->name = parameter_name(words);
}

static void read_show(struct pg_sql *sql, struct pg_words *words)
{
    sql->kind = PG_SQL_SHOW;
    sql->name = parameter_name(words);
}

/* ---- COPY ---------------------------------------------------------------------------------- */

static void read_copy(struct pg_sql *sql, struct pg_words *words)
{
    while (!pg_words_are_over(words)) {
        bool in = pg_words_see(words, "from");

        if (pg_words_see(words, "(")) {
            pg_words_parentheses(words);
            continue;
        }
        if (!pg_words_take(words, "from") && !pg_words_take(words, "to")) {
            pg_words_skip(words);
            continue;
        }
        if (pg_words_see(words, "stdin") || pg_words_see(words, "stdout"))
            sql->kind = in ? PG_SQL_COPY_IN : PG_SQL_COPY_OUT;
        return;
    }
}

/* ---- all ----------------------------------------------------------------------------------- */

static const struct {
    const char *word;
    void (*read)(struct pg_sql *sql, struct pg_words *words);
} readers[] = {
    { "begin", read_begin },
    { "start", read_begin },
    { "commit", read_commit },
    { "end", read_commit },
    { "rollback", read_rollback },
    { "abort", read_rollback },
    { "savepoint", read_savepoint },
    { "release", read_release },
    { "prepare", read_prepare },
    { "execute", read_execute },
    { "deallocate", read_deallocate },
    { "discard", read_discard },
    { "set", read_set },
    { "reset", read_reset },
    { "show", read_show },
    { "listen", read_listen },
    { "unlisten", read_listen },
    { "notify", read_notify },
    { "copy", read_copy },
    { "close", read_close },
};

static void see_parameter(struct pg_sql *sql, const struct pg_token *token)
{
    int number = token->size - 1 > PARAMETER_DIGITS ? 0 : atoi(token->at + 1);

    if (number > sql->parameters)
        sql->parameters = number;
}

/* $n and RETURNING may stand anywhere. */
static void look_through(struct pg_sql *sql, struct pg_words words)
{
    size_t depth = 0;

    for (; !pg_words_are_over(&words); pg_words_skip(&words)) {
        if (words.now.kind == PG_TOKEN_PARAMETER)
            see_parameter(sql, &words.now);
        else if (pg_words_see(&words, "("))
            depth++;
        else if (pg_words_see(&words, ")") && depth > 0)
            depth--;
        else if (depth == 0 && pg_words_see(&words, "returning"))
            sql->returning = true;
    }
}

void pg_sql_classify(struct pg_sql *ret, const char *sql, struct arena *arena)
{
    struct pg_words words = pg_words_of(sql, arena);

    *ret = (struct pg_sql){ .kind = PG_SQL_OTHER, .read_only = -1, .deferrable = -1 };
    ret->command = pg_sql_command(words);
    look_through(ret, words);
    if (pg_words_are_over(&words))
        ret->kind = PG_SQL_EMPTY;
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (pg_words_take(&words, readers[i].word)) {
            readers[i].read(ret, &words);
            break;
        }
}
