/*
 * fake/message_match.h - whether a message is as a test wants it, and where it is not.
 *
 * Ownership: a match lives in its arena, but for a pattern: message_match_fini.
 * Threads: a match does not change once it is made; each caller has an arena of its own.
 */
#ifndef FAKE_MESSAGE_MATCH_H
#define FAKE_MESSAGE_MATCH_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "seam/message.h"

struct message_match;

/* All is copied. -EINVAL with what is wrong with `want`. */
int message_match_new(struct arena *arena, const seam_message_match *want,
                      struct message_match **ret, struct err *err);
void message_match_fini(struct message_match *match); /* NULL is fine */

/* The arena is for what is needed on the way. The test's own function is asked last, and only where all else
 * holds. */
bool message_match_holds(const struct message_match *match, const seam_message *message,
                         struct arena *arena);

/* How near it is: more is nearer. The test's own function is not asked. */
size_t message_match_weight(const struct message_match *match, const seam_message *message,
                            struct arena *arena);

/* Add a table of both, a row for each thing asked for. */
void message_match_beside(const struct message_match *match, const seam_message *message,
                          struct arena *arena, struct buf *to);

/* "'order.paid' to 'events'", in a few words. */
const char *message_name(const seam_message *message, struct arena *arena);

#endif
