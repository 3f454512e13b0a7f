/* test/backlog.c - events that nobody waits for, until they are written in one go; see backlog.h. */

#include "test/backlog.h"

#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "base/io.h"

/* The process may be killed between any two instructions: what is between `written` and `kept` is whole. */
struct backlog {
    atomic_uint kept; /* bytes */
    atomic_uint written; /* of them */
    char records[BACKLOG_SIZE - 2 * sizeof(atomic_uint)];
};

struct backlog *backlog_map(int fd, size_t count)
{
    int flags = MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0);
    void *at = mmap(NULL, count * sizeof(struct backlog), PROT_READ | PROT_WRITE, flags, fd, 0);

    return at == MAP_FAILED ? NULL : at;
}

struct backlog *backlog_at(struct backlog *first, size_t index)
{
    return first + index;
}

bool backlog_add(struct backlog *backlog, const struct event *event)
{
    unsigned kept = atomic_load_explicit(&backlog->kept, memory_order_relaxed);
    size_t size = event_size(event);

    if (size > sizeof backlog->records - kept)
        return false;
    event_write(backlog->records + kept, event);
    atomic_store_explicit(&backlog->kept, kept + (unsigned)size, memory_order_release);
    return true;
}

void backlog_clear(struct backlog *backlog)
{
    atomic_store(&backlog->kept, 0); /* first: until the other follows there is nothing left */
    atomic_store(&backlog->written, 0);
}

/* Whole records, and as many as go into a pipe in one piece: a child that the test forked may write between, and
 * the test may be killed. */
static size_t piece_size(const char *records, size_t size)
{
    size_t piece = 0;

    while (piece < size) {
        struct event event;
        long record = event_decode(records + piece, size - piece, &event);

        if (record <= 0)
            return size; /* the test wrote into our memory */
        if (piece > 0 && piece + (size_t)record > PIPE_BUF)
            break;
        piece += (size_t)record;
    }
    return piece;
}

int backlog_write(struct backlog *backlog, int events)
{
    struct text left = backlog_left(backlog);

    if (left.size == 0)
        return 0;
    while (left.size > 0) {
        size_t piece = piece_size(left.data, left.size);
        int r = io_write_all(events, left.data, piece);

        if (r < 0)
            return r;
        left.data += piece;
        left.size -= piece;
        atomic_store(&backlog->written, (unsigned)(left.data - backlog->records));
    }
    backlog_clear(backlog);
    return 0;
}

struct text backlog_left(const struct backlog *backlog)
{
    size_t kept = atomic_load_explicit(&backlog->kept, memory_order_acquire);
    size_t written = atomic_load_explicit(&backlog->written, memory_order_acquire);

    if (kept > sizeof backlog->records || written >= kept)
        return (struct text){ NULL, 0 };
    return (struct text){ backlog->records + written, kept - written };
}
