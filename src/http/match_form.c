/* http/match_form.c - queries, urlencoded forms and cookies as pairs; see match_form.h. */

#include "http/match_form.h"

#include <string.h>
#include <strings.h>

#include "http/origin.h"

/* Room for as many pairs as there can be between the separators. */
static struct match_pair *room_for(struct arena *arena, const char *text, size_t size,
                                   char separator)
{
    size_t count = 1;

    for (size_t i = 0; i < size && count < PAIRS_MAX; i++)
        count += text[i] == separator;
    return arena_zero(arena, count * sizeof(struct match_pair));
}

/* Where the part that begins at `text` ends. */
static size_t until(const char *text, size_t size, char separator)
{
    const char *end = memchr(text, separator, size);

    return end ? (size_t)(end - text) : size;
}

static const char *too_many(struct arena *arena)
{
    return arena_printf(arena, "more than %d of them", PAIRS_MAX);
}

static struct match_pair decode_pair(struct arena *arena, const char *text, size_t size)
{
    size_t name = until(text, size, '=');
    size_t value = name < size ? name + 1 : size;
    struct match_pair pair;

    pair = (struct match_pair){ .name = http_percent_decode(arena, text, name, true, NULL) };
    pair.value = http_percent_decode(arena, text + value, size - value, true, &pair.size);
    return pair;
}

struct match_pairs match_urlencoded(struct arena *arena, const char *text, size_t size)
{
    struct match_pair *pairs = room_for(arena, text, size, '&');
    struct match_pairs ret = { .at = pairs };

    for (size_t at = 0; at < size;) {
        size_t length = until(text + at, size - at, '&');

        if (length > 0 && ret.count == PAIRS_MAX) {
            ret.fault = too_many(arena);
            break;
        }
        if (length > 0)
            pairs[ret.count++] = decode_pair(arena, text + at, length);
        at += length + 1;
    }
    return ret;
}

/* ---- cookies ----------------------------------------------------------------------------- */

static void trim(const char **text, size_t *size)
{
    while (*size > 0 && strchr(" \t", (*text)[0])) {
        (*text)++;
        (*size)--;
    }
    while (*size > 0 && strchr(" \t", (*text)[*size - 1]))
        (*size)--;
}

/* As servers read it (RFC 6265, 5.4 turned round): what has no '=' is a value without a name. */
static struct match_pair cookie_pair(struct arena *arena, const char *text, size_t size)
{
    size_t equals = until(text, size, '=');
    const char *name = text, *value = equals < size ? text + equals + 1 : text;
    size_t name_size = equals < size ? equals : 0;
    size_t value_size = equals < size ? size - equals - 1 : size;

    trim(&name, &name_size);
    trim(&value, &value_size);
    return (struct match_pair){ .name = arena_copy(arena, name, name_size),
                                .value = arena_copy(arena, value, value_size),
                                .size = value_size };
}

struct match_pairs match_cookies(struct arena *arena, const char *text)
{
    size_t size = strlen(text);
    struct match_pair *pairs = room_for(arena, text, size, ';');
    struct match_pairs ret = { .at = pairs };

    for (size_t at = 0; at < size;) {
        const char *cookie = text + at;
        size_t length = until(cookie, size - at, ';');

        at += length + 1;
        trim(&cookie, &length);
        if (length > 0 && ret.count == PAIRS_MAX) {
            ret.fault = too_many(arena);
            break;
        }
        if (length > 0)
            pairs[ret.count++] = cookie_pair(arena, cookie, length);
    }
    return ret;
}

/* ---- parameters of a field's value --------------------------------------------------------- */

/* Where the parameter that begins at `text` ends: at a ';' that stands in no quotes. */
static size_t parameter_end(const char *text, size_t size)
{
    bool is_quoted = false;
    size_t at = 0;

    for (; at < size && (is_quoted || text[at] != ';'); at++) {
        if (text[at] == '"')
            is_quoted = !is_quoted;
        else if (is_quoted && text[at] == '\\')
            at++;
    }
    return at < size ? at : size;
}

static const char *unquote(struct arena *arena, const char *text, size_t size)
{
    char *plain = arena_zero(arena, size + 1);
    size_t to = 0;

    if (size == 0 || text[0] != '"')
        return memcpy(plain, text, size);
    for (size_t at = 1; at < size && text[at] != '"'; at++) {
        if (text[at] == '\\' && at + 1 < size)
            at++;
        plain[to++] = text[at];
    }
    return plain;
}

const char *match_parameter(struct arena *arena, const char *value, size_t size,
                            const char *name)
{
    size_t at = parameter_end(value, size) + 1;

    while (at < size) {
        const char *text = value + at;
        size_t length = parameter_end(text, size - at);
        size_t equals = until(text, length, '=');
        const char *key = text;
        size_t key_size = equals;

        at += length + 1;
        trim(&key, &key_size);
        if (equals == length || key_size != strlen(name) ||
            strncasecmp(key, name, key_size) != 0)
            continue;
        text += equals + 1;
        length -= equals + 1;
        trim(&text, &length);
        return unquote(arena, text, length);
    }
    return NULL;
}

size_t match_parameter_count(const char *value, size_t size)
{
    size_t count = 0;

    for (size_t at = parameter_end(value, size); at < size; count++)
        at += 1 + parameter_end(value + at + 1, size - at - 1);
    return count;
}

bool match_is_type(const char *type, const char *wanted)
{
    size_t size = strlen(wanted);

    if (strncasecmp(type, wanted, size) != 0)
        return false;
    return wanted[size - 1] == '/' || strchr("; \t", type[size]);
}
