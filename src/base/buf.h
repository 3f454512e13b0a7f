/*
 * base/buf.h - a growable run of bytes with a cap.
 *
 * A buf never grows past its cap: what does not fit is refused whole, and the
 * buf remembers that (`failed`), so that a chain of additions needs one check.
 *
 * Ownership: the buf owns its bytes until buf_fini or buf_take.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "seam/attr.h"

struct buf {
    char *data; /* NULL while empty; NUL-terminated after each addition */
    size_t size;
    size_t room;
    size_t cap;
    bool failed;
};

#define BUF_INIT(limit) ((struct buf){ .cap = (limit) })

int buf_add(struct buf *buf, const void *data, size_t size);

/* The same, for whoever adds a few bytes again and again: mostly there is room for them. */
static inline void buf_put(struct buf *buf, const void *data, size_t size)
{
    if (buf->room <= buf->size + size || buf->cap < buf->size + size) {
        buf_add(buf, data, size);
        return;
    }
    memcpy(buf->data + buf->size, data, size);
    buf->size += size;
    buf->data[buf->size] = '\0';
}
int buf_add_text(struct buf *buf, const char *text);
int buf_add_char(struct buf *buf, char c);
int buf_printf(struct buf *buf, const char *format, ...) SEAM_PRINTF(2, 3);
int buf_vprintf(struct buf *buf, const char *format, va_list args);

/* Make room for `size` more bytes and return where they go; NULL when the cap or memory ends.
 * Add to buf->size what was used. */
char *buf_reserve(struct buf *buf, size_t size);

/* The bytes as text; "" while empty. Valid until the next addition. */
const char *buf_text(const struct buf *buf);

/* Drop the first `size` bytes. */
void buf_drop(struct buf *buf, size_t size);
void buf_clear(struct buf *buf);

/* Hand the bytes to the caller, who frees them; the buf is empty afterwards. NULL when nothing was added. */
char *buf_take(struct buf *buf);
void buf_fini(struct buf *buf);

#endif
