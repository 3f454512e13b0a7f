/*
 * runner/capability.h - parts of Seam that a package links beside libseam, by the headers that it includes.
 *
 * Most tests need none, and start faster without.
 */
#ifndef RUNNER_CAPABILITY_H
#define RUNNER_CAPABILITY_H

#include "base/buf.h"
#include "runner/build.h"

enum capability { CAPABILITY_HTTP = 1, CAPABILITY_MOCK = 2 };

/* What the header of an #include line asks for: bits of enum capability, 0 for any other line. */
unsigned capability_of_include(const char *line);

/* The archives, one after another: fn gets the path of each. */
void capability_archives(const struct build *build, unsigned capabilities,
                         void (*fn)(struct buf *to, const char *path), struct buf *to);

/* Words for the linker behind the archives. */
const char *capability_words(unsigned capabilities);

#endif
