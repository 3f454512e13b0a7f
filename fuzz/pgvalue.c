/*
 * pgvalue.c - any bytes as a value of any of PostgreSQL's types, in both formats, and as a rule's columns: what is
 * written again is the same, and a canonical text is its own canonical text.
 */

#include "wire/pg_type.h"

#include "fuzz.h"

enum { CAP = 1 << 20 };

/* Bytes that are a value are written as a text that gives the same text again. */
static void bytes_are_stable(const struct pg_type *type, const uint8_t *data, size_t size)
{
    struct buf text = BUF_INIT(CAP), bytes = BUF_INIT(CAP), again = BUF_INIT(CAP);

    if (pg_to_text(type, data, size, &text, NULL) == 0 &&
        pg_to_binary(type, buf_text(&text), text.size, &bytes, NULL) == 0) {
        MUST(pg_to_text(type, buf_text(&bytes), bytes.size, &again, NULL) == 0);
        MUST(text.size == again.size);
        MUST(memcmp(buf_text(&text), buf_text(&again), text.size) == 0);
    }
    buf_fini(&text);
    buf_fini(&bytes);
    buf_fini(&again);
}

static void text_is_stable(const struct pg_type *type, int modifier, const char *data,
                           size_t size)
{
    struct buf one = BUF_INIT(CAP), two = BUF_INIT(CAP), bytes = BUF_INIT(CAP);
    struct err err;

    if (pg_canonical(type, modifier, data, size, &one, &err) == 0) {
        MUST(pg_canonical(type, modifier, buf_text(&one), one.size, &two, &err) == 0);
        MUST(one.size == two.size && memcmp(buf_text(&one), buf_text(&two), one.size) == 0);
        MUST(pg_same_value(type, buf_text(&one), one.size, buf_text(&two), two.size));
        MUST(!type->binary || pg_to_binary(type, buf_text(&one), one.size, &bytes, &err) == 0);
    }
    buf_fini(&one);
    buf_fini(&two);
    buf_fini(&bytes);
}

static void columns(const uint8_t *data, size_t size)
{
    struct arena arena = { 0 };
    struct pg_columns columns;
    struct err err;
    char *text = fuzz_text(data, size);

    if (pg_columns_parse(text, &arena, &columns, &err) == 0)
        MUST(columns.count > 0);
    arena_fini(&arena);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct pg_type *type;

    if (size < 2 || size > 2048)
        return 0;
    type = pg_type_at(data[0]);
    if (!type) {
        columns(data + 1, size - 1);
        return 0;
    }
    bytes_are_stable(type, data + 2, size - 2);
    text_is_stable(type, (int)(data[1] & 15) - 1, (const char *)data + 2, size - 2);
    return 0;
}
