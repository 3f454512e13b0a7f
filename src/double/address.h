/*
 * double/address.h - what the origins of doubles have in common: "user:password@host:port" of a URL.
 *
 * Ownership: texts handed out live as long as the arena. Threads: any; nothing is shared but the arena.
 */
#ifndef DOUBLE_ADDRESS_H
#define DOUBLE_ADDRESS_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

struct address {
    const char *user, *password; /* NULL: not said */
    const char *host;
    int port; /* stays as it was when none is said */
};

/* What a protocol refuses of a host besides; NULL: nothing. As address_parse. */
typedef int address_check(const char *text, const char *host, struct err *err);

/* Take what stands from `at` to `end` apart. -EINVAL with a sentence, which shows `text`. */
int address_parse(struct arena *arena, const char *text, const char *at, const char *end,
                  address_check *check, struct address *ret, struct err *err);

/* A URL as it may be shown: without its password. */
const char *address_shown(struct arena *arena, const char *url);

/* Without its percent signs: "%2F" is '/'. */
const char *address_decode(struct arena *arena, const char *text, size_t size);

#endif
