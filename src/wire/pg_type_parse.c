/* wire/pg_type_parse.c - types as SQL writes them; see pg_type.h. */

#include "wire/pg_type_parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NUMERIC_PRECISION = 1000, TIME_PRECISION = 6, MODIFIERS = 2, NAME_SEEN = 40 };

/* Names of more than one word, and those that pg_type does not have; longer ones first. */
static const struct {
    const char *words, *name;
} spoken[] = {
    { "double precision", "float8" },
    { "national character varying", "varchar" },
    { "national char varying", "varchar" },
    { "national character", "bpchar" },
    { "national char", "bpchar" },
    { "nchar varying", "varchar" },
    { "nchar", "bpchar" },
    { "character varying", "varchar" },
    { "char varying", "varchar" },
    { "character", "bpchar" },
    { "char", "bpchar" },
    { "bit varying", "varbit" },
    { "boolean", "bool" },
    { "smallint", "int2" },
    { "integer", "int4" },
    { "int", "int4" },
    { "bigint", "int8" },
    { "real", "float4" },
    { "float", "float8" },
    { "decimal", "numeric" },
    { "dec", "numeric" },
};

static const struct pg_type *find(const char *name)
{
    const struct pg_type *type;

    for (size_t i = 0; (type = pg_type_at(i)); i++)
        if (strcmp(type->name, name) == 0)
            return type;
    return NULL;
}

/* ---- the nearest name ---------------------------------------------------------------------- */

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Letters to be put in, taken out or changed. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_SEEN + 1];
    size_t a_size = strnlen(a, NAME_SEEN), b_size = strnlen(b, NAME_SEEN);

    for (size_t j = 0; j <= b_size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t corner = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t above = row[j];

            row[j] = least(above + 1, row[j - 1] + 1, corner + (a[i - 1] != b[j - 1]));
            corner = above;
        }
    }
    return row[b_size];
}

static const char *nearest(const char *name)
{
    const char *best = "text";
    size_t best_distance = SIZE_MAX;
    const struct pg_type *type;

    for (size_t i = 0; (type = pg_type_at(i)); i++) {
        size_t by_name = type->element ? SIZE_MAX : distance(name, type->name);
        size_t by_other = type->element ? SIZE_MAX : distance(name, type->other);

        if (by_name < best_distance)
            best = type->name;
        if (by_other < best_distance && by_other < by_name)
            best = type->other;
        best_distance = least(best_distance, by_name, by_other);
    }
    return best;
}

/* ---- modifiers ----------------------------------------------------------------------------- */

struct modifiers {
    int at[MODIFIERS];
    int count;
};

static int take_number(struct pg_words *words, int *ret)
{
    bool minus = words->now.kind == PG_TOKEN_OPERATOR && *words->now.at == '-';
    char *end;
    long value;

    if (minus)
        pg_words_skip(words);
    if (words->now.kind != PG_TOKEN_NUMBER || words->now.mistake)
        return -EINVAL;
    value = strtol(words->now.at, &end, 10);
    if (end != words->now.at + words->now.size || value > INT32_MAX)
        return -EINVAL;
    *ret = (int)(minus ? -value : value);
    pg_words_skip(words);
    return 0;
}

/* "(10,2)"; count 0 when there are none. */
static int take_modifiers(struct pg_words *words, const char *name, struct modifiers *ret,
                          struct err *err)
{
    *ret = (struct modifiers){ 0 };
    if (!pg_words_take(words, "("))
        return 0;
    do {
        if (ret->count == MODIFIERS || take_number(words, &ret->at[ret->count]) < 0)
            return err_set(err, -EINVAL,
                           "what is in parentheses behind '%s' is no modifier of it", name);
        ret->count++;
    } while (pg_words_take(words, ","));
    if (!pg_words_take(words, ")"))
        return err_set(err, -EINVAL, "the parenthesis behind '%s' is not closed", name);
    return 0;
}

static int length_modifier(const char *name, const struct modifiers *said, int extra, int *ret,
                           struct err *err)
{
    if (said->count == 0)
        return 0;
    if (said->count > 1 || said->at[0] < 1)
        return err_set(err, -EINVAL, "length for type %s must be at least 1", name);
    *ret = said->at[0] + extra;
    return 0;
}

static int numeric_modifier(const struct modifiers *said, int *ret, struct err *err)
{
    int precision = said->at[0], scale = said->at[1];

    if (said->count == 0)
        return 0;
    if (precision < 1 || precision > NUMERIC_PRECISION)
        return err_set(err, -EINVAL, "NUMERIC precision %d must be between 1 and %d", precision,
                       NUMERIC_PRECISION);
    if (scale < -NUMERIC_PRECISION || scale > NUMERIC_PRECISION)
        return err_set(err, -EINVAL, "NUMERIC scale %d must be between -%d and %d", scale,
                       NUMERIC_PRECISION, NUMERIC_PRECISION);
    *ret = ((precision << 16) | (scale & 0x7ff)) + 4;
    return 0;
}

/* The server takes more than six digits of a second for six, with a warning. */
static int time_modifier(const char *name, const struct modifiers *said, int *ret,
                         struct err *err)
{
    if (said->count == 0)
        return 0;
    if (said->count > 1 || said->at[0] < 0)
        return err_set(err, -EINVAL, "%s precision must not be negative", name);
    *ret = said->at[0] < TIME_PRECISION ? said->at[0] : TIME_PRECISION;
    if (strcmp(name, "interval") == 0)
        *ret |= 0x7fff << 16;
    return 0;
}

static int modifier_of(const char *name, const struct modifiers *said, int *ret,
                       struct err *err)
{
    *ret = -1;
    if (strcmp(name, "varchar") == 0 || strcmp(name, "bpchar") == 0)
        return length_modifier(name, said, 4, ret, err);
    if (strcmp(name, "bit") == 0 || strcmp(name, "varbit") == 0)
        return length_modifier(name, said, 0, ret, err);
    if (strcmp(name, "numeric") == 0)
        return numeric_modifier(said, ret, err);
    if (strncmp(name, "time", 4) == 0 || strcmp(name, "interval") == 0)
        return time_modifier(name, said, ret, err);
    if (said->count > 0)
        return err_set(err, -EINVAL, "type modifier is not allowed for type \"%s\"", name);
    return 0;
}

/* ---- a type -------------------------------------------------------------------------------- */

/* A quoted name is one of pg_type; so "char" is not char. */
static const char *take_name(struct pg_words *words, bool *ret_is_spoken)
{
    *ret_is_spoken = false;
    pg_words_take_all(words, "pg_catalog .");
    if (words->now.kind == PG_TOKEN_WORD)
        for (size_t i = 0; i < sizeof spoken / sizeof *spoken; i++)
            if (pg_words_take_all(words, spoken[i].words)) {
                *ret_is_spoken = true;
                return spoken[i].name;
            }
    if (words->now.kind != PG_TOKEN_WORD && words->now.kind != PG_TOKEN_NAME)
        return NULL;
    return pg_words_text(words);
}

/* Behind "time" and "timestamp", with their precision. */
static const char *take_zone(struct pg_words *words, const char *name)
{
    bool is_time = strcmp(name, "time") == 0;

    if (!is_time && strcmp(name, "timestamp") != 0)
        return name;
    if (pg_words_take_all(words, "with time zone"))
        return is_time ? "timetz" : "timestamptz";
    pg_words_take_all(words, "without time zone");
    return name;
}

/* "[]", "[3]", "[][]", ARRAY: any number of dimensions is one type. */
static bool take_brackets(struct pg_words *words)
{
    bool is_array = false;
    int size;

    if (pg_words_take(words, "array"))
        is_array = true;
    while (pg_words_see(words, "[")) {
        pg_words_skip(words);
        if (!pg_words_see(words, "]"))
            take_number(words, &size);
        if (!pg_words_take(words, "]"))
            return false;
        is_array = true;
    }
    return is_array;
}

/* What a name means that depends on its modifier: float(24) is float4; char and bit have one letter. */
static const char *adjust(const char *name, bool is_spoken, struct modifiers *said)
{
    if (strcmp(name, "float8") == 0 && is_spoken && said->count == 1) {
        said->count = 0;
        return said->at[0] <= 24 ? "float4" : name;
    }
    if (said->count == 0 &&
        ((strcmp(name, "bpchar") == 0 && is_spoken) || strcmp(name, "bit") == 0)) {
        said->count = 1;
        said->at[0] = 1;
    }
    return name;
}

int pg_type_take(struct pg_words *words, const struct pg_type **ret, int *ret_modifier,
                 struct err *err)
{
    bool is_spoken;
    const char *name = take_name(words, &is_spoken);
    const struct pg_type *type;
    struct modifiers said;
    int r;

    if (!name)
        return err_set(err, -EINVAL, "there is no type at '%.*s'", (int)words->now.size,
                       words->now.at);
    if (!find(name))
        return err_set(err, -EINVAL, "there is no type '%s'; the nearest is '%s'", name,
                       nearest(name));
    r = take_modifiers(words, name, &said, err);
    if (r < 0)
        return r;
    name = adjust(take_zone(words, name), is_spoken, &said);
    r = modifier_of(name, &said, ret_modifier, err);
    if (r < 0)
        return r;
    type = find(name);
    if (take_brackets(words)) {
        if (!type->array_oid)
            return err_set(err, -EINVAL, "there are no arrays of '%s'", name);
        type = pg_type_of_oid(type->array_oid);
    }
    *ret = type;
    return 0;
}

int pg_type_parse(const char *text, const struct pg_type **ret, int *ret_modifier,
                  struct err *err)
{
    struct arena arena = { 0 };
    struct pg_words words = pg_words_of(text, &arena);
    const struct pg_type *type;
    int modifier;
    int r = pg_type_take(&words, &type, &modifier, err);

    if (r == 0 && words.now.kind != PG_TOKEN_END)
        r = err_set(err, -EINVAL, "there is '%.*s' behind the type '%s'", (int)words.now.size,
                    words.now.at, type->name);
    arena_fini(&arena);
    if (r < 0)
        return r;
    *ret = type;
    *ret_modifier = modifier;
    return 0;
}
