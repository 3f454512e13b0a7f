/* pg/record_value.c - values and types as a recording has them: JSON that people read; see record.h. */

#include <string.h>

#include "pg/record.h"
#include "test/quote.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* ---- bytes that are no text, as base 64 */

void record_put_base64(struct buf *to, const char *data, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)data;

    for (size_t at = 0; at < size; at += 3) {
        uint32_t bits = (uint32_t)bytes[at] << 16;

        bits |= at + 1 < size ? (uint32_t)bytes[at + 1] << 8 : 0;
        bits |= at + 2 < size ? (uint32_t)bytes[at + 2] : 0;
        buf_add_char(to, digits[bits >> 18]);
        buf_add_char(to, digits[bits >> 12 & 63]);
        buf_add_char(to, at + 1 < size ? digits[bits >> 6 & 63] : '=');
        buf_add_char(to, at + 2 < size ? digits[bits & 63] : '=');
    }
}

const char *record_get_base64(struct arena *arena, const char *text, size_t size,
                              size_t *ret_size)
{
    char *to = arena_zero(arena, size + 1);
    size_t left = size, got = 0;
    uint32_t bits = 0;

    if (size % 4 != 0)
        return NULL;
    while (left > 0 && text[left - 1] == '=' && size - left < 2)
        left--;
    for (size_t i = 0; i < left; i++) {
        const char *digit = text[i] ? strchr(digits, text[i]) : NULL;

        if (!digit)
            return NULL;
        bits = bits << 6 | (uint32_t)(digit - digits);
        if (i % 4 > 0)
            to[got++] = (char)(bits >> (6 - 2 * (i % 4)));
    }
    *ret_size = got;
    return to;
}

/* ---- values */

void record_put_text(struct buf *to, const char *text, size_t size)
{
    if (quote_is_utf8(text, size) && !memchr(text, '\0', size)) {
        json_node_write(
            to,
            &(struct json_node){ .kind = NODE_STRING, .count = (uint32_t)size, .text = text },
            0);
        return;
    }
    buf_add_text(to, "{\"base64\":\"");
    record_put_base64(to, text, size);
    buf_add_text(to, "\"}");
}

void record_put_value(struct buf *to, const struct record_value *value)
{
    switch (value->kind) {
    case RECORD_NULL:
        buf_add_text(to, "null");
        break;
    case RECORD_TEXT:
        record_put_text(to, value->text, value->size);
        break;
    case RECORD_BINARY:
        buf_add_text(to, "{\"binary\":\"");
        record_put_base64(to, value->text, value->size);
        buf_add_text(to, "\"}");
        break;
    case RECORD_REDACTED:
        buf_add_text(to, "{\"redacted\":true}");
        break;
    }
}

bool record_get_value(const struct json_node *node, struct arena *arena,
                      struct record_value *ret)
{
    const struct json_node *text, *binary, *redacted;

    *ret = (struct record_value){ .kind = RECORD_NULL };
    if (node->kind == NODE_NULL)
        return true;
    ret->kind = RECORD_TEXT;
    if (node->kind == NODE_STRING) {
        ret->text = node->text;
        ret->size = node->count;
        return true;
    }
    if (node->kind != NODE_OBJECT || node->count != 1)
        return false;
    text = json_node_member(node, "base64");
    binary = json_node_member(node, "binary");
    redacted = json_node_member(node, "redacted");
    ret->kind = binary ? RECORD_BINARY : redacted ? RECORD_REDACTED : RECORD_TEXT;
    if (redacted)
        return redacted->kind == NODE_TRUE;
    text = text ? text : binary;
    if (text && text->kind == NODE_STRING)
        ret->text = record_get_base64(arena, text->text, text->count, &ret->size);
    return ret->text != NULL;
}

/* ---- types */

enum { OID_NUMERIC = 1700, OID_BPCHAR = 1042, OID_VARCHAR = 1043, ARRAYS = 2 };

/* The server keeps 4 bytes of a header in the modifier of these. */
static const char *modifier_text(struct arena *arena, const struct pg_type *type, int modifier)
{
    uint32_t oid = type->element ? type->element : type->oid;

    if (modifier < 0)
        return "";
    if (oid == OID_NUMERIC)
        return arena_printf(arena, "(%d,%d)", (modifier - 4) >> 16, (modifier - 4) & 0x7ff);
    if (oid == OID_BPCHAR || oid == OID_VARCHAR)
        return arena_printf(arena, "(%d)", modifier - 4);
    return NULL;
}

const char *record_type_name(struct arena *arena, uint32_t oid, int modifier)
{
    const struct pg_type *type = pg_type_of_oid(oid);
    const char *behind = type ? modifier_text(arena, type, modifier) : NULL;
    size_t size = type ? strlen(type->name) : 0;

    if (!type)
        return NULL;
    if (!behind)
        behind = type->kind == PG_KIND_TIME && modifier <= 6
                     ? arena_printf(arena, "(%d)", modifier)
                     : "";
    if (type->element && size > ARRAYS && strcmp(type->name + size - ARRAYS, "[]") == 0)
        return arena_printf(arena, "%.*s%s[]", (int)(size - ARRAYS), type->name, behind);
    return arena_printf(arena, "%s%s", type->name, behind);
}
