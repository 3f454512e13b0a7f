/*
 * base/message.h - named byte strings in one frame: what processes of Seam say to each other.
 *
 *   frame   = u32 size of what follows, then fields
 *   field   = u8 key size, key, u32 value size, value
 *
 * Integers are little-endian. A frame holds at most MESSAGE_MAX bytes. A key may
 * stand several times (lists). Neither side trusts the other: message_next and
 * message_value check every size.
 */
#ifndef BASE_MESSAGE_H
#define BASE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { MESSAGE_MAX = 16 << 20 };

/* A frame that lies in somebody else's memory. */
struct message {
    const char *data;
    size_t size;
};

/* Begin a frame in `buf`, which may hold earlier frames. Returns where, for message_end. */
size_t message_begin(struct buf *buf);
int message_add(struct buf *buf, const char *key, const void *value, size_t size);
int message_add_text(struct buf *buf, const char *key,
                     const char *text); /* NULL adds nothing */
int message_add_int(struct buf *buf, const char *key, int64_t value);
void message_end(struct buf *buf, size_t begin);

/* Take the first whole frame of `size` bytes. Returns the bytes it covers, 0 when more must come
 * first, -EPROTO when it is larger than MESSAGE_MAX. */
long message_parse(const char *data, size_t size, struct message *ret);

/* Step over the fields: start with *at = 0. Returns 1 and the field, 0 at the end, -EPROTO when a
 * size does not fit. Key and value point into the frame; neither ends in NUL. */
int message_next(const struct message *message, size_t *at, struct message *ret_key,
                 struct message *ret_value);

/* Whether a key is that name. */
bool message_is(const struct message *key, const char *name);

/* The first value of that name as bytes (data NULL when there is none). */
struct message message_value(const struct message *message, const char *key);

/* The first value of that name, copied by strndup; NULL when there is none (or memory ended). The caller frees it. */
char *message_text(const struct message *message, const char *key);
int64_t message_int(const struct message *message, const char *key, int64_t otherwise);

/* Send a whole frame, receive one. Blocking descriptors only. Negative errno; -ECONNRESET when the
 * other side closed. message_receive replaces `into` and fills *ret, which points into it. `deadline_ns` as in
 * deadline.h, 0 for none; -ETIMEDOUT when it passed. */
int message_send(int fd, const struct buf *frame);
int message_receive(int fd, struct buf *into, uint64_t deadline_ns, struct message *ret);

#endif
