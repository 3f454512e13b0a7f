/* double/told.c - what a double has said of calls that it did not expect; see told.h. */

#include "double/told.h"

#include "base/map.h"

bool told_is_news(struct told *told, const char *words, size_t size)
{
    uint64_t hash = hash_bytes(HASH_BEGIN, words, size);
    bool said = told->count == TOLD_WORDS;

    for (unsigned i = 0; i < told->count && !said; i++)
        said = told->hashes[i] == hash;
    if (said)
        told->untold++;
    else
        told->hashes[told->count++] = hash;
    return !said;
}
