/* pg/error_words.c - the words and fields with which PostgreSQL 15 says an error; see error_words.h. */

#include "pg/error_words.h"

#include <errno.h>
#include <string.h>

#include "wire/pg_type.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { /* fields that the server sends beside the message */
       SENDS_NONE = 0,
       SENDS_TABLE = 1, /* with its schema */
       SENDS_COLUMN = 2,
       SENDS_CONSTRAINT = 4,
       SENDS_ALL = 8, /* whatever the test gives */
       NEEDS_TABLE = 16,
       NEEDS_COLUMN = 32,
       NEEDS_CONSTRAINT = 64,
       FROM_TABLE = SENDS_TABLE | NEEDS_TABLE,
       IS_CONSTRAINT = FROM_TABLE | SENDS_CONSTRAINT | NEEDS_CONSTRAINT,
};

/* %t, %c, %k and %y stand for the table, the column, the constraint and the type. A message that needs one that is
 * not known is not used; the next one of the same SQLSTATE is. */
struct words {
    const char *sqlstate;
    const char *message;
    unsigned fields;
    const char *hint;
};

static const char no_function[] = "No function matches the given name and argument types. You "
                                  "might need to add explicit type casts.";

static const struct words known[] = {
    { "21000", "more than one row returned by a subquery used as an expression", 0, NULL },
    { "22001", "value too long for type %y", 0, NULL },
    { "22003", "%y out of range", 0, NULL },
    { "22007", NULL, 0, NULL }, /* the words of these are the value's or the name's */
    { "22008", NULL, 0, NULL },
    { "22012", "division by zero", 0, NULL },
    { "22P02", NULL, 0, NULL },
    { "23502", "null value in column \"%c\" of relation \"%t\" violates not-null constraint",
      FROM_TABLE | SENDS_COLUMN | NEEDS_COLUMN, NULL },
    { "23503", "insert or update on table \"%t\" violates foreign key constraint \"%k\"",
      IS_CONSTRAINT, NULL },
    { "23505", "duplicate key value violates unique constraint \"%k\"",
      SENDS_TABLE | SENDS_CONSTRAINT | NEEDS_CONSTRAINT, NULL },
    { "23514", "new row for relation \"%t\" violates check constraint \"%k\"", IS_CONSTRAINT,
      NULL },
    { "23P01", "conflicting key value violates exclusion constraint \"%k\"",
      SENDS_TABLE | SENDS_CONSTRAINT | NEEDS_CONSTRAINT, NULL },
    { "25001", "there is already a transaction in progress", 0, NULL },
    { "25P01", "there is no transaction in progress", 0, NULL },
    { "25P02",
      "current transaction is aborted, commands ignored until end of transaction block", 0,
      NULL },
    { "40001", "could not serialize access due to concurrent update", 0, NULL },
    { "40P01", "deadlock detected", 0, "See server log for query details." },
    { "42501", "permission denied for table %t", 0, NULL },
    { "42701", "column \"%c\" of relation \"%t\" already exists", 0, NULL },
    { "42702", "column reference \"%c\" is ambiguous", 0, NULL },
    { "42703", NULL, 0, NULL },
    { "42704", "type \"%y\" does not exist", 0, NULL },
    { "42P01", "relation \"%t\" does not exist", 0, NULL },
    { "42P07", "relation \"%t\" already exists", 0, NULL },
    { "53300", "sorry, too many clients already", 0, NULL },
    { "55P03", "could not obtain lock on relation \"%t\"", 0, NULL },
    { "55P03", "canceling statement due to lock timeout", 0, NULL },
    { "57014", "canceling statement due to statement timeout", 0, NULL },
    { "57P01", "terminating connection due to administrator command", 0, NULL },
    { "57P02", "terminating connection because of crash of another server process", 0, NULL },
    { "57P03", "the database system is starting up", 0, NULL },
};

/* What is being made. */
struct making {
    const seam_pg_error *from;
    const struct error_place *place;
    struct arena *arena;
    struct pg_error *to;
    const char *schema, *table; /* given, or those that the statement writes */
    const struct pg_type *type; /* NULL: not known */
    int modifier; /* of it */
    const char *type_name; /* as the server has it in messages: "integer" for int4 */
    struct err *err;
};

static bool is_state(const struct making *making, const char *sqlstate)
{
    return strcmp(making->from->sqlstate, sqlstate) == 0;
}

/* ---- messages ---------------------------------------------------------------------------- */

static const char *value_of(const struct making *making, char letter)
{
    switch (letter) {
    case 't':
        return making->table;
    case 'c':
        return making->from->column;
    case 'k':
        return making->from->constraint;
    default:
        return making->type_name;
    }
}

/* NULL when it needs what is not known. */
static const char *fill(const struct making *making, const char *message)
{
    const char *text = "";

    for (const char *at = message, *next; at && *at; at = next) {
        size_t plain = strcspn(at, "%");
        const char *value = at[plain] ? value_of(making, at[plain + 1]) : "";

        if (!value)
            return NULL;
        text = arena_printf(making->arena, "%s%.*s%s", text, (int)plain, at, value);
        next = at + plain + (at[plain] ? 2 : 0);
    }
    return message ? text : NULL;
}

static const struct words *words_of(const struct making *making, const char **ret_message)
{
    const struct words *found = NULL;

    *ret_message = NULL;
    for (size_t i = 0; i < COUNT(known) && !*ret_message; i++)
        if (is_state(making, known[i].sqlstate)) {
            found = &known[i];
            *ret_message = fill(making, known[i].message);
        }
    return found;
}

/* ---- constraints ------------------------------------------------------------------------- */

/* A foreign key is broken at its own table by what is put in, and from the table that it points to by what is
 * taken away there: then the statement writes another table than the one that the key is of. */
static void word_foreign_key(struct making *making)
{
    const char *written =
        making->place->sql ? error_written_table(making->place->sql, making->arena) : NULL;
    const char *detail = making->from->detail;
    const char *dot = written ? strrchr(written, '.') : NULL;
    const char *table = making->table;
    bool is_taken = (detail && strstr(detail, "is still referenced from table")) ||
                    (making->place->is && making->place->is->command &&
                     strcmp(making->place->is->command, "DELETE") == 0);

    written = dot ? dot + 1 : written;
    if (written && table && (is_taken || strcmp(written, table) != 0))
        making->to->message =
            arena_printf(making->arena,
                         "update or delete on table \"%s\" violates foreign key constraint "
                         "\"%s\" on table \"%s\"",
                         written, making->from->constraint, table);
}

static void word_domain(struct making *making)
{
    const seam_pg_error *from = making->from;

    making->to->message =
        is_state(making, "23502")
            ? arena_printf(making->arena, "domain %s does not allow null values", from->type)
            : arena_printf(making->arena,
                           "value for domain %s violates check constraint \"%s\"", from->type,
                           from->constraint);
    making->to->schema = from->schema ? from->schema : "public";
    making->to->type = from->type;
    making->to->constraint = from->constraint;
}

/* ---- names and values in a statement --------------------------------------------------------- */

static bool is_query(const struct error_place *place)
{
    static const char *const commands[] = { "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE" };

    for (size_t i = 0; place->is && place->is->command && i < COUNT(commands); i++)
        if (strcmp(place->is->command, commands[i]) == 0)
            return true;
    return false;
}

/* The server points at names in what it plans, not in what it carries out by itself. */
static int point_at(const struct making *making, enum error_name kind, const char *name,
                    const char **ret_qualifier)
{
    *ret_qualifier = NULL;
    if (!making->place->sql || !name || (kind != ERROR_TOKEN && !is_query(making->place)))
        return 0;
    return error_position(making->place->sql, kind, name, making->arena, ret_qualifier);
}

static void word_column(struct making *making)
{
    const char *column = making->from->column;
    const char *sql = making->place->sql;
    const char *qualifier = NULL;
    bool is_target = sql ? error_is_target(sql, column, making->arena) : making->table != NULL;

    point_at(making, ERROR_COLUMN, column, &qualifier);
    if (is_target && making->table)
        making->to->message =
            arena_printf(making->arena, "column \"%s\" of relation \"%s\" does not exist",
                         column, making->table);
    else if (qualifier)
        making->to->message =
            arena_printf(making->arena, "column %s.%s does not exist", qualifier, column);
    else
        making->to->message =
            arena_printf(making->arena, "column \"%s\" does not exist", column);
}

static bool is_refused(const struct pg_type *type, const char *text)
{
    struct buf out = BUF_INIT(1 << 20);
    int r = pg_canonical(type, -1, text, strlen(text), &out, NULL);

    buf_fini(&out);
    return r == -EINVAL || r == -ERANGE;
}

/* The value that a type does not take: an argument, or a string of the statement. */
static const char *bad_value(const struct making *making, const struct pg_type *type,
                             int *ret_argument)
{
    const struct error_place *place = making->place;
    const char *at = place->sql;
    const char *text;

    *ret_argument = 0;
    for (size_t i = 0; i < place->argument_count; i++)
        if (place->arguments[i] && is_refused(type, place->arguments[i])) {
            *ret_argument = (int)i + 1;
            return place->arguments[i];
        }
    while (at && (text = error_next_string(&at, making->arena)))
        if (is_refused(type, text))
            return text;
    return NULL;
}

/* The words for a value are its type's own. */
static void word_value(struct making *making)
{
    struct err words;
    struct buf out = BUF_INIT(1 << 20);
    int argument = 0;
    const char *value = making->type ? bad_value(making, making->type, &argument) : NULL;

    if (value && pg_canonical(making->type, -1, value, strlen(value), &out, &words) < 0) {
        making->to->message = arena_dup(making->arena, words.text);
        making->to->position = point_at(making, ERROR_STRING, value, &(const char *){ NULL });
        if (argument > 0)
            making->to->where =
                arena_printf(making->arena, "unnamed portal parameter $%d = '...'", argument);
    }
    buf_fini(&out);
    if (!making->to->message && making->type_name && !is_state(making, "22003"))
        making->to->message =
            arena_printf(making->arena, "invalid input syntax for type %s", making->type_name);
}

/* The modifier of numeric(p,s) has p in its upper and s in its lower half, and 4 is added. */
static void word_overflow(struct making *making)
{
    int precision = (making->modifier - 4) >> 16;
    int scale = (making->modifier - 4) & 0x7ff;
    int digits = precision - scale;

    making->to->message = "numeric field overflow";
    if (making->modifier >= 4)
        making->to->detail =
            arena_printf(making->arena,
                         "A field with precision %d, scale %d must round to an absolute value "
                         "less than %s%d.",
                         precision, scale, digits ? "10^" : "", digits ? digits : 1);
}

static void take_type(struct making *making)
{
    const char *text = making->from->type;
    const struct pg_type *type;
    int modifier = -1;

    making->type_name = text;
    making->modifier = -1;
    if (!text || pg_type_parse(text, &type, &modifier, NULL) < 0)
        return;
    making->type = type;
    making->modifier = modifier;
    making->type_name = type->other ? type->other : type->name;
    if (type->kind == PG_KIND_TEXT && modifier > 4)
        making->type_name =
            arena_printf(making->arena, "%s(%d)", making->type_name, modifier - 4);
}

static void word_special(struct making *making)
{
    const seam_pg_error *from = making->from;

    if (is_state(making, "23503"))
        word_foreign_key(making);
    else if (from->type && !from->table &&
             (is_state(making, "23502") || (is_state(making, "23514") && from->constraint)))
        word_domain(making);
    else if (is_state(making, "42703") && from->column)
        word_column(making);
    else if (is_state(making, "22003") && making->type && making->type->kind == PG_KIND_NUMERIC)
        word_overflow(making);
    else if (is_state(making, "22P02") || is_state(making, "22007") ||
             is_state(making, "22008") || is_state(making, "22003"))
        word_value(making);
}

/* ---- positions --------------------------------------------------------------------------- */

/* What is between `before` and a quote or the end behind it; NULL when the message does not begin so. */
static const char *named_in(const struct making *making, const char *before, char end)
{
    const char *message = making->to->message;
    size_t size = strlen(before);
    const char *stop;

    if (!message || strncmp(message, before, size) != 0)
        return NULL;
    stop = strchr(message + size, end);
    return stop ? arena_copy(making->arena, message + size, (size_t)(stop - message) - size)
                : NULL;
}

static int count_characters(const char *text)
{
    int count = 0;

    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

/* "users.id" is found as id behind users. */
static const char *last_part(const char *name)
{
    const char *dot = name ? strrchr(name, '.') : NULL;

    return dot ? dot + 1 : name;
}

static void point(struct making *making)
{
    static const struct {
        const char *begin;
        char end;
        enum error_name kind;
    } names[] = {
        { "syntax error at or near \"", '"', ERROR_TOKEN },
        { "relation \"", '"', ERROR_TABLE },
        { "column reference \"", '"', ERROR_COLUMN },
        { "column \"", '"', ERROR_COLUMN },
        { "column ", ' ', ERROR_COLUMN },
        { "function ", '(', ERROR_FUNCTION },
        { "type \"", '"', ERROR_TYPE },
    };
    const char *message = making->to->message;

    if (making->place->sql && message && strcmp(message, "syntax error at end of input") == 0)
        making->to->position = count_characters(making->place->sql) + 1;
    for (size_t i = 0; i < COUNT(names) && making->to->position == 0; i++)
        making->to->position = point_at(
            making, names[i].kind, last_part(named_in(making, names[i].begin, names[i].end)),
            &(const char *){ NULL });
}

static bool is_pointed_at(const struct making *making)
{
    static const char *const states[] = { "42601", "42P01", "42702", "42703",
                                          "42704", "42803", "42883" };

    for (size_t i = 0; i < COUNT(states); i++)
        if (is_state(making, states[i]))
            return true;
    return false;
}

/* ---- an error ---------------------------------------------------------------------------- */

static int check_state(const seam_pg_error *from, const char *label, bool may_succeed,
                       struct err *err)
{
    static const char characters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *state = from->sqlstate;

    if (strlen(state) != 5 || strspn(state, characters) != 5)
        return err_set(err, -EINVAL,
                       "%s: sqlstate '%s' is not five of 0-9 and A-Z\ntry: \"P0001\"", label,
                       state);
    if (!may_succeed && strncmp(state, "00", 2) == 0)
        return err_set(err, -EINVAL, "%s: sqlstate '%s' is success\ntry: .notices", label,
                       state);
    return 0;
}

static int check_severity(const char *severity, const char *const allowed[], const char *label,
                          struct err *err)
{
    for (size_t i = 0; severity && allowed[i]; i++)
        if (strcmp(severity, allowed[i]) == 0)
            return 0;
    if (!severity)
        return 0;
    return err_set(err, -EINVAL, "%s: severity '%s' is none\ntry: \"%s\"", label, severity,
                   allowed[0]);
}

static int need(const struct making *making, const char *field)
{
    const char *name = pg_condition_name(making->from->sqlstate);

    return err_set(making->err, -EINVAL, "error %s (%s) needs .%s", making->from->sqlstate,
                   name ? name : "?", field);
}

static int check_needs(const struct making *making, unsigned fields)
{
    const seam_pg_error *from = making->from;
    bool is_domain = from->type && !from->table;

    if ((fields & NEEDS_CONSTRAINT) && !from->constraint)
        return need(making, "constraint");
    if (is_domain)
        return 0;
    if ((fields & NEEDS_COLUMN) && !from->column)
        return need(making, "column");
    if ((fields & NEEDS_TABLE) && !making->table)
        return need(making, "table");
    return 0;
}

static void take_table_of(struct making *making, unsigned fields)
{
    const char *written = NULL;
    const char *dot;

    making->table = making->from->table;
    making->schema = making->from->schema;
    if (making->from->table || !making->place->sql ||
        (!(fields & SENDS_TABLE) && !is_state(making, "42703")))
        return;
    written = error_written_table(making->place->sql, making->arena);
    dot = written ? strchr(written, '.') : NULL;
    making->table = dot ? dot + 1 : written;
    if (dot && !making->schema)
        making->schema = arena_copy(making->arena, written, (size_t)(dot - written));
}

static void send_fields(struct making *making, unsigned fields)
{
    const seam_pg_error *from = making->from;
    struct pg_error *to = making->to;

    if (fields & SENDS_ALL) {
        to->schema = from->schema;
        to->table = from->table;
        to->column = from->column;
        to->type = from->type;
        to->constraint = from->constraint;
    }
    if ((fields & SENDS_TABLE) && making->table && !to->type) {
        to->schema = making->schema ? making->schema : "public";
        to->table = making->table;
    }
    if ((fields & SENDS_COLUMN) && !to->type)
        to->column = from->column;
    if (fields & SENDS_CONSTRAINT)
        to->constraint = from->constraint;
}

static const char *or_absent(const char *text)
{
    return text && *text ? text : NULL;
}

/* What the test gives has the last word; "" takes a field away. */
static void finish(struct making *making, const struct words *words)
{
    const seam_pg_error *from = making->from;
    struct pg_error *to = making->to;
    const char *name = pg_condition_name(from->sqlstate);

    if (from->message)
        to->message = from->message;
    if (!to->message)
        to->message = name ? name : arena_printf(making->arena, "error %s", from->sqlstate);
    to->hint = words ? words->hint : NULL;
    if (is_state(making, "42883") && strncmp(to->message, "function ", 9) == 0 &&
        is_query(making->place))
        to->hint = no_function;
    to->detail = from->detail ? or_absent(from->detail) : to->detail;
    to->hint = from->hint ? or_absent(from->hint) : to->hint;
    to->where = from->where ? or_absent(from->where) : to->where;
    if (is_pointed_at(making))
        point(making);
    if (from->position > 0)
        to->position = from->position;
}

static void keep(struct arena *arena, struct pg_error *error)
{
    const char **const texts[] = {
        &error->severity, &error->sqlstate, &error->message,    &error->detail,
        &error->hint,     &error->where,    &error->schema,     &error->table,
        &error->column,   &error->type,     &error->constraint,
    };

    for (size_t i = 0; i < COUNT(texts); i++)
        if (*texts[i])
            *texts[i] = arena_dup(arena, *texts[i]);
}

int pg_error_make(const seam_pg_error *from, const struct error_place *place,
                  struct arena *arena, struct pg_error *ret, struct err *err)
{
    static const char *const severities[] = { "ERROR", "FATAL", "PANIC", NULL };
    struct pg_error to = { .severity = from->severity ? from->severity : "ERROR",
                           .sqlstate = from->sqlstate };
    struct making making = {
        .from = from, .place = place, .arena = arena, .to = &to, .err = err
    };
    const struct words *words;
    const char *message;
    int r = check_state(from, "error", false, err);

    if (r < 0 || (r = check_severity(from->severity, severities, "error", err)) < 0)
        return r;
    take_type(&making);
    words = words_of(&making, &message);
    take_table_of(&making, words ? words->fields : 0);
    words = words_of(&making, &message); /* now with the table */
    if (words && (r = check_needs(&making, words->fields)) < 0)
        return r;
    word_special(&making);
    to.message = to.message ? to.message : message;
    send_fields(&making, words ? words->fields : SENDS_ALL);
    finish(&making, words);
    keep(arena, &to);
    *ret = to;
    return 0;
}

/* ---- a notice ---------------------------------------------------------------------------- */

int pg_notice_make(const seam_pg_error *from, struct arena *arena, struct pg_error *ret,
                   struct err *err)
{
    static const char *const severities[] = {
        "NOTICE", "WARNING", "INFO", "LOG", "DEBUG", NULL
    };
    const char *severity = from->severity ? from->severity : "NOTICE";
    seam_pg_error whole = *from;
    int r;

    if (!whole.sqlstate)
        whole.sqlstate = strcmp(severity, "WARNING") == 0 ? "01000" : "00000";
    r = check_state(&whole, "notice", true, err);
    if (r == 0)
        r = check_severity(from->severity, severities, "notice", err);
    if (r == 0 && !from->message)
        r = err_set(err, -EINVAL, "notice %s has no .message", whole.sqlstate);
    if (r < 0)
        return r;
    *ret = (struct pg_error){
        .severity = severity,
        .sqlstate = whole.sqlstate,
        .message = from->message,
        .detail = from->detail,
        .hint = from->hint,
        .where = from->where,
        .schema = from->schema,
        .table = from->table,
        .column = from->column,
        .type = from->type,
        .constraint = from->constraint,
        .position = from->position,
    };
    keep(arena, ret);
    return 0;
}
