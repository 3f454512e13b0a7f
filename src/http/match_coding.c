/* http/match_coding.c - gzip, by zlib, and base64; see match_coding.h. */

#include "http/match_coding.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"

enum { GZIP_WINDOW = 15 + 16 /* the largest, in gzip's frame */, PIECE = 16 << 10 };

/* ---- gzip -------------------------------------------------------------------------------- */

/* Take what came of a coding, which ended with `r`. */
static int take(struct arena *arena, struct buf *out, int r, char **ret, size_t *ret_size,
                struct err *err)
{
    if (r == 0) {
        *ret = arena_copy(arena, buf_text(out), out->size);
        *ret_size = out->size;
    } else if (r == -E2BIG) {
        err_set(err, r, "more than %d MB come of it", CODING_MAX >> 20);
    } else {
        err_set(err, r, r == -ENOMEM ? "out of memory" : "it is no gzip, or ends early");
    }
    buf_fini(out);
    return r;
}

/* Room for the next piece. */
static int make_room(struct buf *out, z_stream *stream)
{
    size_t piece = CODING_MAX - out->size < PIECE ? CODING_MAX - out->size : PIECE;
    char *room = piece > 0 ? buf_reserve(out, piece) : NULL;

    if (!room)
        return piece > 0 ? -ENOMEM : -E2BIG;
    stream->next_out = (unsigned char *)room;
    stream->avail_out = (unsigned)piece;
    return 0;
}

static int deflate_all(z_stream *stream, struct buf *out)
{
    int r = 0;
    int code = Z_OK;

    while (r == 0 && code != Z_STREAM_END && (r = make_room(out, stream)) == 0) {
        unsigned room = stream->avail_out;

        code = deflate(stream, Z_FINISH);
        out->size += room - stream->avail_out;
        if (code == Z_STREAM_ERROR)
            r = -EINVAL;
    }
    return r;
}

int coding_gzip(struct arena *arena, const void *data, size_t size, char **ret,
                size_t *ret_size, struct err *err)
{
    struct buf out = BUF_INIT(CODING_MAX + 1);
    z_stream stream = { .next_in = (z_const unsigned char *)data, .avail_in = (unsigned)size };
    int r;

    if (size > CODING_MAX)
        return take(arena, &out, -E2BIG, ret, ret_size, err);
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return take(arena, &out, -ENOMEM, ret, ret_size, err);
    r = deflate_all(&stream, &out);
    deflateEnd(&stream);
    return take(arena, &out, r, ret, ret_size, err);
}

/* Several members may follow one another (RFC 1952, 2.2). */
static int inflate_all(z_stream *stream, struct buf *out)
{
    for (;;) {
        int r = make_room(out, stream);
        unsigned room = stream->avail_out;
        int code;

        if (r < 0)
            return r;
        code = inflate(stream, Z_NO_FLUSH);
        out->size += room - stream->avail_out;
        if (code == Z_STREAM_END && stream->avail_in == 0)
            return 0;
        if (code == Z_STREAM_END)
            code = inflateReset(stream);
        if (code != Z_OK)
            return code == Z_MEM_ERROR ? -ENOMEM : -EINVAL;
    }
}

int coding_gunzip(struct arena *arena, const void *data, size_t size, char **ret,
                  size_t *ret_size, struct err *err)
{
    struct buf out = BUF_INIT(CODING_MAX + 1);
    z_stream stream = { .next_in = (z_const unsigned char *)data, .avail_in = (unsigned)size };
    int r;

    if (size > CODING_MAX)
        return take(arena, &out, -E2BIG, ret, ret_size, err);
    if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
        return take(arena, &out, -ENOMEM, ret, ret_size, err);
    r = inflate_all(&stream, &out);
    inflateEnd(&stream);
    return take(arena, &out, r, ret, ret_size, err);
}

/* ---- base64 ------------------------------------------------------------------------------ */

static int digit_value(char c)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

char *coding_unbase64(struct arena *arena, const char *text, size_t size, size_t *ret_size)
{
    char *bytes = arena_zero(arena, size / 4 * 3 + 3);
    unsigned bits = 0;
    size_t to = 0;

    for (int i = 0; i < 2 && size > 0 && text[size - 1] == '='; i++)
        size--;
    for (size_t at = 0; at < size; at++) {
        int value = digit_value(text[at]);

        if (value < 0)
            return NULL;
        bits = (bits << 6 | (unsigned)value) & 0xffffff;
        if (at % 4 != 0)
            bytes[to++] = (char)(bits >> (6 - at % 4 * 2));
    }
    if (size % 4 == 1)
        return NULL;
    *ret_size = to;
    return bytes;
}
