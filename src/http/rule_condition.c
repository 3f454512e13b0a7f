/* http/rule_condition.c - what a rule asks of a request; see rule_condition.h. */

#include "http/rule_condition.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* ---- making ------------------------------------------------------------------------------ */

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

/* Without the blanks behind it. */
static size_t trimmed(const char *text, size_t size)
{
    while (size > 0 && strchr(" \t", text[size - 1]))
        size--;
    return size;
}

static int no_header(struct err *err, const char *text)
{
    return err_set(err, -EINVAL,
                   "header '%s' is none of 'Name: value', 'Name:', '!Name', 'Name ~ pattern'",
                   text);
}

int condition_parse_header(struct arena *arena, const char *text, struct condition *ret,
                           struct err *err)
{
    bool is_absent = text[0] == '!';
    const char *name = text + is_absent;
    size_t size = strcspn(name, ": \t");
    const char *rest = skip_blanks(name + size);
    struct condition condition = { .part = CONDITION_HEADER,
                                   .text = arena_dup(arena, text),
                                   .name = arena_copy(arena, name, size) };

    if (!http_is_token(name, size))
        return no_header(err, text);
    if (is_absent && *rest == '\0') {
        condition.test = CONDITION_ABSENT;
    } else if (!is_absent && name[size] == ':') {
        rest = skip_blanks(rest + 1);
        condition.test = *rest ? CONDITION_EQUAL : CONDITION_PRESENT;
        condition.size = trimmed(rest, strlen(rest));
        condition.value = arena_copy(arena, rest, condition.size);
    } else if (!is_absent && rest[0] == '~' && rest[1] == ' ' && *skip_blanks(rest + 1)) {
        condition.test = CONDITION_MATCHES;
        condition.value = arena_dup(arena, skip_blanks(rest + 1));
    } else {
        return no_header(err, text);
    }
    *ret = condition;
    return 0;
}

/* "; filename=x; type=y" behind the name of a part. */
static int parse_attributes(struct arena *arena, const char *text, size_t name_size,
                            struct condition *ret, struct err *err)
{
    const char *rest = text + name_size;
    size_t size = strlen(rest);
    size_t known;

    ret->filename = match_parameter(arena, rest, size, "filename");
    ret->type = match_parameter(arena, rest, size, "type");
    known = (size_t)(ret->filename != NULL) + (ret->type != NULL);
    if (known == 0 || match_parameter_count(rest, size) != known)
        return err_set(err, -EINVAL,
                       "part '%s' is none of 'name=value', 'name', '!name', 'name ~ pattern', "
                       "'name; filename=x; type=y'",
                       text);
    return 0;
}

/* Where " ~ " stands before any '='; NULL: nowhere. */
static const char *find_tilde(const char *text)
{
    const char *tilde = strstr(text, " ~ ");

    return tilde && (size_t)(tilde - text) < strcspn(text, "=") ? tilde : NULL;
}

int condition_parse_pair(struct arena *arena, enum condition_part part, const char *label,
                         const char *text, struct condition *ret, struct err *err)
{
    bool is_absent = text[0] == '!';
    const char *name = text + is_absent;
    const char *tilde = is_absent ? NULL : find_tilde(name);
    size_t size = is_absent ? strlen(name) : strcspn(name, "=");
    struct condition condition = { .part = part, .text = arena_dup(arena, text) };
    int r = 0;

    if (part == CONDITION_MULTIPART && !tilde && strcspn(name, ";") < size) {
        size = strcspn(name, ";");
        condition.test = CONDITION_PRESENT;
        r = parse_attributes(arena, name, size, &condition, err);
        size = trimmed(name, size);
    } else if (tilde) {
        condition.test = CONDITION_MATCHES;
        condition.value = arena_dup(arena, tilde + 3);
        size = trimmed(name, (size_t)(tilde - name));
    } else if (name[size] == '=') {
        condition.test = CONDITION_EQUAL;
        condition.value = arena_dup(arena, name + size + 1);
        condition.size = strlen(condition.value);
    } else {
        condition.test = is_absent ? CONDITION_ABSENT : CONDITION_PRESENT;
    }
    if (r == 0 && size == 0)
        r = err_set(err, -EINVAL, "%s '%s' has no name", label, text);
    if (r < 0)
        return r;
    condition.name = arena_copy(arena, name, size);
    *ret = condition;
    return 0;
}

int condition_parse_json_at(struct arena *arena, const char *text, struct condition *ret,
                            struct err *err)
{
    bool is_absent = text[0] == '!';
    const char *pointer = text + is_absent;
    size_t size = strcspn(pointer, "=");
    bool has_value = pointer[size] == '=';
    const char *value = pointer + size + has_value;
    struct condition condition = { .part = CONDITION_JSON_AT, .text = arena_dup(arena, text) };
    int r;

    if (is_absent && has_value)
        return err_set(err, -EINVAL,
                       "json_at '%s' is none of '/pointer = json', '/pointer', '!/pointer'",
                       text);
    condition.test = is_absent   ? CONDITION_ABSENT
                     : has_value ? CONDITION_EQUAL
                                 : CONDITION_PRESENT;
    r = json_pointer_parse(arena, pointer, trimmed(pointer, size), &condition.pointer, err);
    if (r == 0 && has_value)
        r = json_node_parse(arena, "json_at", value, strlen(value), true, &condition.json.root,
                            err);
    if (r < 0)
        return r;
    *ret = condition;
    return 0;
}

const char *condition_pattern(const struct condition *condition)
{
    bool has_one =
        condition->part == CONDITION_BODY_PATTERN ||
        (condition->part <= CONDITION_MULTIPART && condition->test == CONDITION_MATCHES);

    return has_one ? condition->value : NULL;
}

/* ---- named values ------------------------------------------------------------------------ */

const struct match_pairs *condition_pairs(const struct condition *condition,
                                          struct http_call *call)
{
    switch (condition->part) {
    case CONDITION_QUERY:
        return call_query(call);
    case CONDITION_HEADER:
        return call_headers(call);
    case CONDITION_COOKIE:
        return call_cookies(call);
    case CONDITION_FORM:
        return call_form(call);
    case CONDITION_MULTIPART:
    default:
        return call_parts(call);
    }
}

static bool is_named(const struct condition *condition, const struct match_pair *pair)
{
    return condition->part == CONDITION_HEADER ? strcasecmp(condition->name, pair->name) == 0
                                               : strcmp(condition->name, pair->name) == 0;
}

static bool is_equal_or_free(const char *wanted, const char *got)
{
    return !wanted || (got && strcmp(wanted, got) == 0);
}

/* Of a pair with the right name: whether the rest is right too. */
static bool pair_holds(const struct condition *condition, const struct match_pair *pair)
{
    if (!is_equal_or_free(condition->filename, pair->filename) ||
        (condition->type && (!pair->type || !match_is_type(pair->type, condition->type))))
        return false;
    switch (condition->test) {
    case CONDITION_EQUAL:
        return condition->size == pair->size &&
               memcmp(condition->value, pair->value, pair->size) == 0;
    case CONDITION_MATCHES:
        return match_pattern_found(condition->pattern, pair->value, pair->size, NULL);
    case CONDITION_PRESENT:
        return true;
    case CONDITION_ABSENT:
    default:
        return false;
    }
}

const struct match_pair *condition_pair(const struct condition *condition,
                                        struct http_call *call, bool *ret_wanted)
{
    const struct match_pairs *pairs = condition_pairs(condition, call);
    const struct match_pair *first = NULL;

    *ret_wanted = true;
    for (size_t i = 0; i < pairs->count; i++) {
        const struct match_pair *pair = &pairs->at[i];

        if (!is_named(condition, pair))
            continue;
        if (pair_holds(condition, pair))
            return pair;
        if (!first)
            first = pair;
    }
    *ret_wanted = false;
    return first;
}

static bool named_holds(const struct condition *condition, struct http_call *call)
{
    bool is_wanted;
    const struct match_pair *pair = condition_pair(condition, call, &is_wanted);

    return condition->test == CONDITION_ABSENT ? !pair : is_wanted;
}

/* Also one that makes a condition of its own fail. */
static bool is_asked_for(const struct conditions *all, const struct match_pair *pair,
                         struct http_call *call)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct condition *condition = &all->at[i];

        if (condition->part == CONDITION_QUERY && is_named(condition, pair) &&
            (pair_holds(condition, pair) || !named_holds(condition, call)))
            return true;
    }
    return false;
}

const struct match_pair *condition_other_query(const struct conditions *all,
                                               struct http_call *call)
{
    const struct match_pairs *query = call_query(call);

    for (size_t i = 0; i < query->count; i++)
        if (!is_asked_for(all, &query->at[i], call))
            return &query->at[i];
    return NULL;
}

/* ---- asking ------------------------------------------------------------------------------ */

static bool body_holds(const struct condition *condition, struct http_call *call)
{
    size_t size;
    const char *body = call_body(call, &size);

    if (condition->part == CONDITION_BODY)
        return condition->size == size && memcmp(condition->value, body, size) == 0;
    if (condition->part == CONDITION_BODY_CONTAINS)
        return memmem(body, size, condition->value, condition->size) != NULL;
    return match_pattern_found(condition->pattern, body, size, NULL);
}

static bool json_at_holds(const struct condition *condition, struct http_call *call)
{
    const struct json_node *root = call_json(call, NULL);
    const struct json_node *node = root ? json_pointer_find(&condition->pointer, root) : NULL;

    if (condition->test == CONDITION_ABSENT)
        return root && !node;
    return node &&
           (condition->test == CONDITION_PRESENT || json_want_holds(&condition->json, node));
}

static bool basic_holds(const struct condition *condition, struct http_call *call)
{
    const char *basic = call_basic(call);

    return basic && strcmp(basic, condition->value) == 0;
}

bool condition_holds(const struct condition *condition, const struct conditions *all,
                     struct http_call *call)
{
    const struct json_node *json;

    switch (condition->part) {
    case CONDITION_NO_OTHER_QUERY:
        return !condition_other_query(all, call);
    case CONDITION_BASIC:
        return basic_holds(condition, call);
    case CONDITION_BODY:
    case CONDITION_BODY_CONTAINS:
    case CONDITION_BODY_PATTERN:
        return body_holds(condition, call);
    case CONDITION_JSON:
        json = call_json(call, NULL);
        return json && json_want_holds(&condition->json, json);
    case CONDITION_JSON_AT:
        return json_at_holds(condition, call);
    default:
        return named_holds(condition, call);
    }
}
