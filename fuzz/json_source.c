/* json_source.c - JSON texts, relaxed or not: a copy that is cut tells where the rest comes from. */

#include "test/json_source.h"

#include "fuzz.h"

enum { COPY_MAX = 1 << 20 };

/* A copy with a cap is the beginning of the whole one. */
static void cut(const struct json_source *source, const struct buf *whole, size_t cap)
{
    struct buf part = BUF_INIT(cap);
    size_t at = json_source_copy(&part, source);

    MUST(at <= source->size);
    MUST(part.size <= whole->size && memcmp(buf_text(&part), buf_text(whole), part.size) == 0);
    if (cap < whole->size)
        MUST(at < source->size);
    buf_fini(&part);
}

static void fault(const struct json_source *source, size_t position)
{
    struct buf words = BUF_INIT(4000);

    json_source_fault(&words, source, position, "wrong");
    MUST(strstr(buf_text(&words), " is not JSON: line "));
    buf_fini(&words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_source source = { "got", (const char *)data + 1, size - 1,
                                  size && data[0] & 1 };
    struct buf whole = BUF_INIT(COPY_MAX);

    if (size < 2 || size > 2000)
        return 0;
    MUST(json_source_copy(&whole, &source) == source.size);
    for (size_t cap = 0; cap <= whole.size; cap += 1 + whole.size / 8)
        cut(&source, &whole, cap);
    fault(&source, 0);
    fault(&source, 1);
    fault(&source, whole.size / 2);
    fault(&source, whole.size + 1);
    buf_fini(&whole);
    return 0;
}
