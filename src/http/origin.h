/*
 * http/origin.h - origins such as "https://api.pay.test:8443", and the targets of requests.
 *
 * Ownership: texts handed out live as long as the arena, or are part of what was passed.
 * Threads: any; nothing is shared but the arena.
 */
#ifndef HTTP_ORIGIN_H
#define HTTP_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

/* Take an origin apart: scheme "http" or "https", host in lower case, without the brackets of an IPv6
 * address, and port, 80 or 443 where the text has none. A host may begin with a dot, ".pay.test": all names
 * that end so. -EINVAL with a sentence for what is no origin, such as a URL with a path. */
int http_origin_parse(struct arena *arena, const char *text, const char **ret_scheme,
                      const char **ret_host, int *ret_port, struct err *err);

/* A name or address as http_origin_parse gives it out, of `size` bytes. -EINVAL with a sentence. */
int http_host_parse(struct arena *arena, const char *text, size_t size, const char **ret_host,
                    struct err *err);

/* Whether `host`, in lower case, is the one that was parsed, or ends like it when that begins with a dot. */
bool http_host_matches(const char *parsed, const char *host);

/* What a request asks for. */
struct http_target {
    const char *path; /* as sent; not ended by a NUL; "/" where a URL has none */
    size_t path_size;
    const char *query; /* as sent, behind the '?'; NULL: there is no '?' */
};

/* Take a target apart: "/a?b=c", "http://host/a?b=c", "*" or "host:port"; a fragment is left out. */
struct http_target http_target_split(const char *target);

/* Undo %xx, and '+' for a blank where `plus` says so. A '%' without two digits and "%00" stay as they are, so
 * that the text is whole up to its NUL. */
char *http_percent_decode(struct arena *arena, const char *text, size_t size, bool plus,
                          size_t *ret_size); /* ret_size may be NULL */

#endif
