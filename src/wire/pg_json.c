/*
 * wire/pg_json.c - JSON as jsonb keeps it; see pg_value.h.
 *
 * Not json/node.h: jsonb's numbers are decimal and keep their scale, of a key that comes twice the last one
 * counts, and the words for what is no JSON are the server's.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire/pg_value.h"

enum { DEPTH_MAX = 1000, TEXT_CAP = 64 << 20 };

struct member {
    struct member *next;
    const char *key; /* as it is meant */
    size_t key_size;
    const char *text; /* "key": value */
    size_t place;
};

struct json {
    const char *at, *end;
    enum pg_json_mode mode;
    struct arena *arena;
    int depth;
    bool has_nul; /* \u0000, which no text of the server may have */
};

static bool read_value(struct json *json, struct buf *to);

static void skip_blanks(struct json *json)
{
    while (json->at < json->end &&
           (*json->at == ' ' || *json->at == '\t' || *json->at == '\n' || *json->at == '\r'))
        json->at++;
}

static bool take(struct json *json, char c)
{
    skip_blanks(json);
    if (json->at == json->end || *json->at != c)
        return false;
    json->at++;
    return true;
}

static bool take_word(struct json *json, const char *word, struct buf *to)
{
    size_t size = strlen(word);

    if ((size_t)(json->end - json->at) < size || memcmp(json->at, word, size) != 0)
        return false;
    json->at += size;
    buf_add(to, word, size);
    return true;
}

/* ---- strings ------------------------------------------------------------------------------- */

static bool take_hex(struct json *json, unsigned *ret)
{
    *ret = 0;
    if (json->end - json->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = *json->at++;
        int digit = c >= '0' && c <= '9'                 ? c - '0'
                    : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                         : -1;

        if (digit < 0)
            return false;
        *ret = *ret << 4 | (unsigned)digit;
    }
    return true;
}

static void put_utf8(struct buf *to, unsigned c)
{
    if (c < 0x80) {
        buf_add_char(to, (char)c);
        return;
    }
    if (c < 0x800) {
        buf_add_char(to, (char)(0xc0 | c >> 6));
    } else {
        if (c < 0x10000) {
            buf_add_char(to, (char)(0xe0 | c >> 12));
        } else {
            buf_add_char(to, (char)(0xf0 | c >> 18));
            buf_add_char(to, (char)(0x80 | (c >> 12 & 0x3f)));
        }
        buf_add_char(to, (char)(0x80 | (c >> 6 & 0x3f)));
    }
    buf_add_char(to, (char)(0x80 | (c & 0x3f)));
}

/* Behind "\u"; two halves of a pair are one character, and half of one is none, which json does not mind. */
static bool read_unicode(struct json *json, struct buf *to)
{
    unsigned high, low;

    if (!take_hex(json, &high))
        return false;
    if (json->mode == PG_JSON_CHECK)
        return true;
    if (high == 0)
        json->has_nul = true;
    if (high >= 0xdc00 && high <= 0xdfff)
        return false;
    if (high >= 0xd800 && high <= 0xdbff) {
        if (json->end - json->at < 2 || json->at[0] != '\\' || json->at[1] != 'u')
            return false;
        json->at += 2;
        if (!take_hex(json, &low) || low < 0xdc00 || low > 0xdfff)
            return false;
        high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    }
    put_utf8(to, high);
    return true;
}

static bool read_escape(struct json *json, struct buf *to)
{
    static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char *letter;

    if (json->at == json->end)
        return false;
    if (*json->at == 'u') {
        json->at++;
        return read_unicode(json, to);
    }
    letter = memchr(letters, *json->at, sizeof letters - 1);
    if (!letter)
        return false;
    json->at++;
    buf_add_char(to, values[letter - letters]);
    return true;
}

/* Behind the first quote, up to the last one. */
static bool read_string(struct json *json, struct buf *to)
{
    while (json->at < json->end && *json->at != '"') {
        unsigned char c = (unsigned char)*json->at++;

        if (c < 0x20)
            return false;
        if (c != '\\')
            buf_add_char(to, (char)c);
        else if (!read_escape(json, to))
            return false;
    }
    if (json->at == json->end)
        return false;
    json->at++;
    return true;
}

static void write_string(struct buf *to, const struct buf *text)
{
    static const char letters[] = "\b\f\n\r\t\"\\", escapes[] = "bfnrt\"\\";

    buf_add_char(to, '"');
    for (size_t i = 0; i < text->size; i++) {
        unsigned char c = (unsigned char)text->data[i];
        const char *letter = c ? strchr(letters, c) : NULL;

        if (letter)
            buf_printf(to, "\\%c", escapes[letter - letters]);
        else if (c < 0x20)
            buf_printf(to, "\\u%04x", c);
        else
            buf_add_char(to, (char)c);
    }
    buf_add_char(to, '"');
}

/* ---- numbers ------------------------------------------------------------------------------- */

static size_t count_digits(const char *at, const char *end)
{
    const char *begin = at;

    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return (size_t)(at - begin);
}

/* The size of what JSON takes for a number; 0: it is none. */
static size_t measure_number(const char *begin, const char *end)
{
    const char *at = begin + (begin < end && *begin == '-');
    size_t whole = count_digits(at, end);

    if (whole == 0 || (whole > 1 && *at == '0'))
        return 0;
    at += whole;
    if (at < end && *at == '.') {
        size_t fraction = count_digits(at + 1, end);

        if (fraction == 0)
            return 0;
        at += 1 + fraction;
    }
    if (at < end && (*at | 32) == 'e') {
        const char *exponent = at + 1 + (at + 1 < end && (at[1] == '-' || at[1] == '+'));
        size_t digits = count_digits(exponent, end);

        if (digits == 0)
            return 0;
        at = exponent + digits;
    }
    return (size_t)(at - begin);
}

static void drop_scale(struct pg_numeric *numeric)
{
    while (numeric->scale > 0 && numeric->digits.data[numeric->digits.size - 1] == '0') {
        numeric->digits.size--;
        numeric->scale--;
    }
}

static bool read_number(struct json *json, struct buf *to)
{
    size_t size = measure_number(json->at, json->end);
    struct pg_numeric numeric;

    if (size == 0 || pg_numeric_read(json->at, size, &numeric, NULL) < 0)
        return false;
    json->at += size;
    if (json->mode == PG_JSON_VALUE)
        drop_scale(&numeric);
    pg_numeric_write(to, &numeric);
    pg_numeric_fini(&numeric);
    return true;
}

/* ---- arrays and objects -------------------------------------------------------------------- */

static bool read_array(struct json *json, struct buf *to)
{
    const char *before = "";

    buf_add_char(to, '[');
    if (!take(json, ']')) {
        do {
            buf_add_text(to, before);
            before = ", ";
            if (!read_value(json, to))
                return false;
        } while (take(json, ','));
        if (!take(json, ']'))
            return false;
    }
    buf_add_char(to, ']');
    return true;
}

/* jsonb has its keys by length, then by their bytes; of the same ones the last counts. */
static int compare_keys(const struct member *a, const struct member *b)
{
    if (a->key_size != b->key_size)
        return a->key_size < b->key_size ? -1 : 1;
    return memcmp(a->key, b->key, a->key_size);
}

static int compare_members(const void *a, const void *b)
{
    const struct member *const *left = a, *const *right = b;
    int r = compare_keys(*left, *right);

    return r ? r : (*left)->place < (*right)->place ? -1 : 1;
}

static bool read_member(struct json *json, struct member *member)
{
    struct buf key = BUF_INIT(TEXT_CAP), text = BUF_INIT(TEXT_CAP), value = BUF_INIT(TEXT_CAP);
    bool ok = take(json, '"') && read_string(json, &key) && take(json, ':') &&
              read_value(json, &value);

    if (ok) {
        write_string(&text, &key);
        member->key = arena_copy(json->arena, buf_text(&key), key.size);
        member->key_size = key.size;
        member->text = arena_printf(json->arena, "%s: %s", buf_text(&text), buf_text(&value));
    }
    buf_fini(&key);
    buf_fini(&text);
    buf_fini(&value);
    return ok;
}

/* Up to the '}'. Returns how many there are; 0: it is no object. */
static size_t read_members(struct json *json, struct member **ret)
{
    struct member **last = ret;
    size_t count = 0;

    do {
        struct member *member = arena_zero(json->arena, sizeof *member);

        member->place = count++;
        *last = member;
        last = &member->next;
        if (!read_member(json, member))
            return 0;
    } while (take(json, ','));
    return take(json, '}') ? count : 0;
}

static void write_members(struct json *json, struct member *members, size_t count,
                          struct buf *to)
{
    struct member **sorted = arena_zero(json->arena, count * sizeof *sorted);
    const char *before = "";

    for (size_t i = 0; i < count; i++, members = members->next)
        sorted[i] = members;
    qsort(sorted, count, sizeof *sorted, compare_members);
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count && compare_keys(sorted[i], sorted[i + 1]) == 0)
            continue;
        buf_add_text(to, before);
        buf_add_text(to, sorted[i]->text);
        before = ", ";
    }
}

static bool read_object(struct json *json, struct buf *to)
{
    struct member *members = NULL;
    size_t count;

    buf_add_char(to, '{');
    if (!take(json, '}')) {
        count = read_members(json, &members);
        if (count == 0)
            return false;
        write_members(json, members, count, to);
    }
    buf_add_char(to, '}');
    return true;
}

/* ---- values -------------------------------------------------------------------------------- */

static bool read_quoted(struct json *json, struct buf *to)
{
    struct buf text = BUF_INIT(TEXT_CAP);
    bool ok = read_string(json, &text);

    if (ok)
        write_string(to, &text);
    buf_fini(&text);
    return ok;
}

static bool read_nested(struct json *json, struct buf *to)
{
    bool ok;

    if (json->depth == DEPTH_MAX)
        return false;
    json->depth++;
    ok = take(json, '[') ? read_array(json, to) : take(json, '{') && read_object(json, to);
    json->depth--;
    return ok;
}

static bool read_value(struct json *json, struct buf *to)
{
    skip_blanks(json);
    if (json->at == json->end)
        return false;
    if (*json->at == '[' || *json->at == '{')
        return read_nested(json, to);
    if (*json->at == '"') {
        json->at++;
        return read_quoted(json, to);
    }
    return take_word(json, "null", to) || take_word(json, "true", to) ||
           take_word(json, "false", to) || read_number(json, to);
}

int pg_json_write(const char *text, size_t size, enum pg_json_mode mode, struct buf *to,
                  struct err *err)
{
    struct arena arena = { 0 };
    struct json json = { .at = text, .end = text + size, .mode = mode, .arena = &arena };
    bool ok = read_value(&json, to);

    skip_blanks(&json);
    ok = ok && json.at == json.end && !to->failed;
    arena_fini(&arena);
    if (!ok)
        return err_set(err, -EINVAL, "invalid input syntax for type json");
    if (json.has_nul && mode != PG_JSON_CHECK)
        return err_set(err, -EILSEQ, "unsupported Unicode escape sequence");
    return 0;
}
