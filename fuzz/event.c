/* event.c - any bytes as an event stream: each record taken is written again as the same bytes. */

#include "events/event.h"

#include "fuzz.h"

enum { SPARE_AT = 36, SPARE_SIZE = 4 }; /* not read, and written as zero */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data;
    struct event event;
    long whole;

    while ((whole = event_decode(at, size, &event)) > 0) {
        struct buf again = BUF_INIT(EVENT_MAX + 100);

        MUST((size_t)whole <= size);
        MUST(event_encode(&again, &event) == 0);
        MUST(again.size == (size_t)whole);
        memcpy(again.data + SPARE_AT, at + SPARE_AT, SPARE_SIZE);
        MUST(memcmp(again.data, at, again.size) == 0);
        MUST(event_decode(at, (size_t)whole - 1, &event) == 0); /* one byte short */
        buf_fini(&again);
        at += whole;
        size -= (size_t)whole;
    }
    return 0;
}
