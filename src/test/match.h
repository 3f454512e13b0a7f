/* test/match.h - regular expressions, as PCRE2 has them. */
#ifndef TEST_MATCH_H
#define TEST_MATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * Whether the pattern is found anywhere in the text. `$` is the very end, not also a line end
 * before it. When both are UTF-8 they are matched by code points, else by bytes.
 *
 * False with words in `err`: the pattern is wrong (what, and at which offset), it takes too
 * many steps for this text, or PCRE2 cannot be loaded. False without words: it is not found.
 *
 * Threads: any.
 */
bool match_regex(const char *text, const char *pattern, struct err *err);

/* The same for a pattern that is matched often, and for texts with a NUL in them; `whole`: it has to cover
 * the text from end to end. -EINVAL when the pattern is wrong, -ENOENT when PCRE2 cannot be loaded. */
struct match_pattern;
int match_pattern_new(struct match_pattern **ret, const char *text, bool whole,
                      struct err *err);
bool match_pattern_found(const struct match_pattern *pattern, const char *text, size_t size,
                         struct err *err);
void match_pattern_free(struct match_pattern *pattern); /* NULL is fine */

#endif
