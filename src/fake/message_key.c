/* fake/message_key.c - routing keys, as topic exchanges compare them. */

#include "fake/message_key.h"

#include <string.h>

/* Behind the first word and its dot; NULL when it was the last. */
static const char *next_word(const char *at)
{
    const char *dot = strchr(at, '.');

    return dot ? dot + 1 : NULL;
}

static bool is_word(const char *at, const char *word, size_t size)
{
    return strcspn(at, ".") == size && memcmp(at, word, size) == 0;
}

/* As file names are compared with "*": where all fails behind the last "#", it takes one word more. */
bool message_key_matches(const char *pattern, const char *key)
{
    const char *after_hash = NULL, *key_there = NULL;
    bool hash_seen = false;

    while (key) {
        if (pattern && is_word(pattern, "#", 1)) {
            hash_seen = true;
            pattern = after_hash = next_word(pattern);
            key_there = key;
        } else if (pattern &&
                   (is_word(pattern, "*", 1) || is_word(pattern, key, strcspn(key, ".")))) {
            pattern = next_word(pattern);
            key = next_word(key);
        } else if (hash_seen) {
            pattern = after_hash;
            key = key_there = next_word(key_there);
        } else {
            return false;
        }
    }
    while (pattern && is_word(pattern, "#", 1))
        pattern = next_word(pattern);
    return !pattern;
}
