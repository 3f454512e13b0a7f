/* pg/rule_arguments.c - a rule's arguments beside those of a statement, as values of their types; see rule_set.h. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/digits.h"
#include "pg/rule_set.h"
#include "test/quote.h"
#include "test/value.h"

enum { OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25, OID_FLOAT8 = 701 };
enum { OID_NUMERIC = 1700, TEXT_MAX = 64 << 20, SHOWN_COLUMNS = 60 };

/* ---- a rule's ---------------------------------------------------------------------------- */

static const char *take_text(struct arena *arena, struct buf *from, size_t *ret_size)
{
    const char *copy = arena_copy(arena, buf_text(from), from->size);

    *ret_size = from->size;
    buf_fini(from);
    return copy;
}

static void add_hex(struct buf *to, const unsigned char *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";

    buf_add_text(to, "\\x");
    for (size_t i = 0; i < size; i++) {
        buf_add_char(to, digits[data[i] >> 4]);
        buf_add_char(to, digits[data[i] & 15]);
    }
}

static const char *integer_text(const seam_value *value, struct arena *arena, size_t *ret_size)
{
    char digits[DIGITS_MAX], *end = digits + sizeof digits;
    char *at = value->kind == SEAM_KIND_INT ? digits_before_signed(end, value->as.i)
                                            : digits_before(end, value->as.u);

    *ret_size = (size_t)(end - at);
    return arena_copy(arena, at, *ret_size);
}

const char *rule_value_text(const seam_value *value, struct arena *arena, size_t *ret_size)
{
    struct buf text = BUF_INIT(2 * (size_t)TEXT_MAX + 8);

    switch (value->kind) {
    case SEAM_KIND_TEXT:
        *ret_size = value->size;
        return arena_copy(arena, value->as.p, value->size);
    case SEAM_KIND_BYTES:
        add_hex(&text, value->as.p, value->size);
        break;
    case SEAM_KIND_INT:
    case SEAM_KIND_UINT:
        return integer_text(value, arena, ret_size);
    case SEAM_KIND_DOUBLE:
        value_show_double(&text, value->as.d);
        break;
    case SEAM_KIND_BOOL:
        buf_add_text(&text, value->as.u ? "t" : "f");
        break;
    default:
        return NULL;
    }
    return take_text(arena, &text, ret_size);
}

static int take_like(struct pg_rule_set *set, const seam_value *value,
                     struct rule_argument *ret, struct err *err)
{
    ret->text = arena_copy(&set->arena, value->as.p, value->size);
    ret->size = value->size;
    return rule_pattern_new(set, "SEAM_LIKE", ret->text, &ret->pattern, err);
}

static int take_bytes(struct arena *arena, const seam_value *value, struct rule_argument *ret,
                      struct err *err)
{
    if (!value->as.p)
        return err_set(err, -EINVAL, "%s NULL\ntry: SEAM_SQL_NULL",
                       value->kind == SEAM_KIND_TEXT ? "a text that is" : "bytes at");
    ret->value.as.p = arena_copy(arena, value->as.p, value->size);
    ret->text = value->kind == SEAM_KIND_TEXT ? ret->value.as.p
                                              : rule_value_text(value, arena, &ret->size);
    ret->size = value->kind == SEAM_KIND_TEXT ? value->size : ret->size;
    return 0;
}

int rule_argument_make(struct pg_rule_set *set, const seam_value *value,
                       struct rule_argument *ret, struct err *err)
{
    *ret = (struct rule_argument){ .value = *value };
    switch (value->kind) {
    case SEAM_KIND_NULL:
    case SEAM_KIND_ANY:
        return 0;
    case SEAM_KIND_MATCHES:
        return value->as.matches ? 0 : err_set(err, -EINVAL, "SEAM_MATCHES has no function");
    case SEAM_KIND_LIKE:
        return value->as.p ? take_like(set, value, ret, err)
                           : err_set(err, -EINVAL, "SEAM_LIKE has no pattern");
    case SEAM_KIND_TEXT:
    case SEAM_KIND_BYTES:
        return take_bytes(&set->arena, value, ret, err);
    case SEAM_KIND_POINTER:
        return err_set(err, -EINVAL, "an address is no value");
    default:
        ret->text = rule_value_text(value, &set->arena, &ret->size);
        return 0;
    }
}

/* ---- a statement's ----------------------------------------------------------------------- */

static const char *binary_text(const struct pg_argument *argument, struct arena *arena,
                               size_t *ret_size)
{
    const struct pg_type *type = argument->type ? pg_type_of_oid(argument->type) : NULL;
    struct buf text = BUF_INIT(2 * (size_t)TEXT_MAX + 8);

    if (!type || pg_to_text(type, argument->data, argument->size, &text, NULL) < 0) {
        buf_clear(&text);
        add_hex(&text, (const unsigned char *)argument->data, argument->size);
    }
    return take_text(arena, &text, ret_size);
}

const char *pg_argument_text(const struct pg_argument *argument, struct arena *arena,
                             size_t *ret_size)
{
    if (!argument->data)
        return NULL;
    if (argument->format == 1)
        return binary_text(argument, arena, ret_size);
    *ret_size = argument->size;
    return arena_copy(arena, argument->data, argument->size);
}

/* ---- comparing --------------------------------------------------------------------------- */

/* The type that a value without a declared one is compared as. */
static uint32_t type_of_kind(int kind)
{
    switch (kind) {
    case SEAM_KIND_INT:
    case SEAM_KIND_UINT:
        return OID_NUMERIC;
    case SEAM_KIND_DOUBLE:
        return OID_FLOAT8;
    case SEAM_KIND_BOOL:
        return OID_BOOL;
    case SEAM_KIND_BYTES:
        return OID_BYTEA;
    default:
        return OID_TEXT;
    }
}

uint32_t pg_rule_argument_type(const struct pg_rule *rule, size_t i)
{
    uint32_t type = i < rule->argument_count ? type_of_kind(rule->arguments[i].value.kind) : 0;

    return type == OID_NUMERIC ? OID_INT8 : type == OID_TEXT ? 0 : type;
}

/* How a binary argument without a declared type is read beside a value: a program that sends one means the type
 * that the server infers, which only the rule's value can tell. */
static uint32_t type_of_binary(int kind, size_t size)
{
    static const uint32_t integers[9] = { [2] = 21, [4] = 23, [8] = OID_INT8 };
    static const uint32_t reals[9] = { [4] = 700, [8] = OID_FLOAT8 };

    if ((kind == SEAM_KIND_INT || kind == SEAM_KIND_UINT) && size < 9 && integers[size])
        return integers[size];
    if (kind == SEAM_KIND_DOUBLE && size < 9 && reals[size])
        return reals[size];
    return type_of_kind(kind);
}

static bool is_same_text(const struct rule_argument *want, const struct pg_argument *got,
                         uint32_t type, struct arena *arena)
{
    size_t size = got->size;
    const char *text = got->data;

    if (got->format == 1)
        text = pg_argument_text(
            &(struct pg_argument){
                .data = got->data, .size = got->size, .format = 1, .type = type },
            arena, &size);
    if (size == want->size && memcmp(text, want->text, size) == 0)
        return true;
    return pg_same_value(pg_type_of_oid(type), want->text, want->size, text, size);
}

static bool value_holds(const struct rule_argument *want, const struct pg_argument *got,
                        struct arena *arena)
{
    int kind = want->value.kind;
    uint32_t type = got->type;

    if (kind == SEAM_KIND_BYTES && got->format == 1)
        return got->size == want->value.size &&
               memcmp(got->data, want->value.as.p, got->size) == 0;
    if (!type || !pg_type_of_oid(type) || kind == SEAM_KIND_BOOL)
        type = got->format == 1 ? type_of_binary(kind, got->size) : type_of_kind(kind);
    return is_same_text(want, got, type, arena);
}

bool rule_argument_holds(const struct rule_argument *want, const struct pg_argument *got,
                         struct arena *arena, void *arg)
{
    size_t size = 0;
    const char *text;

    switch (want->value.kind) {
    case SEAM_KIND_ANY:
        return true;
    case SEAM_KIND_NULL:
        return !got->data;
    case SEAM_KIND_LIKE:
        text = pg_argument_text(got, arena, &size);
        return text && match_pattern_found(want->pattern, text, size, NULL);
    case SEAM_KIND_MATCHES:
        text = pg_argument_text(got, arena, &size);
        return want->value.as.matches(text, size, arg);
    default:
        return got->data && value_holds(want, got, arena);
    }
}

bool rule_arguments_hold(const struct pg_rule *rule, struct pg_call *call)
{
    if (!rule->counts_arguments)
        return true;
    if (call->argument_count != rule->argument_count)
        return false;
    for (size_t i = 0; i < rule->argument_count; i++)
        if (!rule_argument_holds(&rule->arguments[i], &call->arguments[i], call->arena,
                                 rule->arg))
            return false;
    return true;
}

/* ---- for reports ------------------------------------------------------------------------- */

static const char *quoted(struct arena *arena, const char *prefix, const char *text,
                          size_t size)
{
    struct buf out = BUF_INIT(16 * SHOWN_COLUMNS);
    const char *copy;

    buf_add_text(&out, prefix);
    quote_add_head(&out, text, size, SHOWN_COLUMNS, '\'');
    copy = arena_dup(arena, buf_text(&out));
    buf_fini(&out);
    return copy;
}

const char *rule_argument_show(const struct rule_argument *argument, struct arena *arena)
{
    switch (argument->value.kind) {
    case SEAM_KIND_ANY:
        return "any";
    case SEAM_KIND_NULL:
        return "NULL";
    case SEAM_KIND_LIKE:
        return quoted(arena, "~ ", argument->text, argument->size);
    case SEAM_KIND_MATCHES:
        return "(function)";
    case SEAM_KIND_TEXT:
        return quoted(arena, "", argument->text, argument->size);
    case SEAM_KIND_BOOL:
        return argument->value.as.u ? "true" : "false";
    default:
        return argument->text;
    }
}
