/*
 * http/reply.h - scripted replies: checked and copied when they are added, made into messages when they
 * answer (rule_reply_message in rule.h).
 *
 * Ownership: what is made lives as long as the arena.
 * Threads: a reply that was prepared does not change.
 */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "http/match_path.h"
#include "http/rule_call.h"

/* Whether it is all zero, which ends a list. */
bool reply_is_end(const seam_http_reply *reply);

/* Copy a reply. Its JSON then is JSON for everybody, its file has been read into the body, and `size` is that
 * of the body. -EINVAL with a sentence for one that cannot be; a file's -errno. `folder`: where relative files
 * are. `path_template`: of its rule, for "{path.id}"; NULL: none. */
int reply_prepare(struct arena *arena, const seam_http_reply *reply, const char *folder,
                  const struct path_template *path_template, seam_http_reply *ret,
                  struct err *err);

/* "Name: value" taken apart; false for what is no field. */
bool reply_field(struct arena *arena, const char *line, struct http_field *ret);

/* Check a template such as "{method} {path.id}"; -EINVAL with a sentence. */
int reply_template_check(struct arena *arena, const char *text,
                         const struct path_template *path_template, struct err *err);

/* Fill it in. -ENOBUFS when it gets too large. */
int reply_template_fill(const char *text, struct http_call *call,
                        const struct path_template *path_template, struct buf *to);

#endif
