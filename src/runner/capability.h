/*
 * runner/capability.h - parts of Seam that a package links beside libseam, by the headers that it includes.
 *
 * Most tests need none, and start faster without.
 */
#ifndef RUNNER_CAPABILITY_H
#define RUNNER_CAPABILITY_H

#include "base/buf.h"
#include "runner/build.h"

/* Each with those that it needs. */
enum capability {
    CAPABILITY_NET = 1,
    CAPABILITY_LINK = 2,
    CAPABILITY_HTTP = 4,
    CAPABILITY_HTTP_MOCK = 8,
    CAPABILITY_PG_MOCK = 16,
    CAPABILITY_BROKER = 32, /* needs none of them */
    CAPABILITY_PROXY = 64,
    CAPABILITY_AMQP_MOCK = 128,
    CAPABILITY_CLOCK = 256
};

/* The archives, one after another: fn gets the path of each. */
void capability_archives(const struct build *build, unsigned capabilities,
                         void (*fn)(struct buf *to, const char *path), struct buf *to);

/* Words for the linker behind the archives. */
const char *capability_words(struct build *build, const struct source_package *package);

/* A program may have a fake of a hooked function: the link fails with that name defined twice. Remember that
 * the package has one, which then wins, and add a line about it to the result's words. Returns whether that
 * is new, so that another round of building may succeed. */
bool capability_learn_fake(struct build *build, struct build_result *result);

#endif
