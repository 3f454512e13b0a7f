/*
 * http/match_coding.h - codings of bytes: gzip and base64.
 *
 * Ownership: what is handed out lives as long as the arena, with a NUL behind it.
 * Threads: any; nothing is shared but the arena.
 */
#ifndef HTTP_MATCH_CODING_H
#define HTTP_MATCH_CODING_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

enum { CODING_MAX = 64 << 20 }; /* bytes that may come of one text */

/* Compress, and undo that. -EINVAL for what is no gzip or ends early, -E2BIG past CODING_MAX, -ENOMEM. */
int coding_gzip(struct arena *arena, const void *data, size_t size, char **ret,
                size_t *ret_size, struct err *err);
int coding_gunzip(struct arena *arena, const void *data, size_t size, char **ret,
                  size_t *ret_size, struct err *err);

/* Undo base64 (RFC 4648, 4); NULL for what is none. Padding may be left out. */
char *coding_unbase64(struct arena *arena, const char *text, size_t size, size_t *ret_size);

#endif
