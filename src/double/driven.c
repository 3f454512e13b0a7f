/* double/driven.c - connections whose bytes the program's own thread brings; see driven.h. */

#include "double/driven.h"

#include <errno.h>
#include <sys/socket.h>

#include "link/link.h"
#include "net/stream.h"
#include "test/t.h"

#include "base/hostile.h"

/* What is sent to a connection that is there has been sent: that it ends by that the program sees when it
 * reads. */
int driven_feed(void *stream, const void *data, size_t size)
{
    struct stream *driven = stream;
    int r = -EPIPE;

    loop_lock();
    if (!driven->dead) {
        stream_feed(driven, data, size);
        r = 0;
    }
    loop_unlock();
    return r;
}

void driven_end(void *stream)
{
    struct stream *driven = stream;

    loop_lock();
    if (!driven->dead)
        stream_end(driven);
    loop_unlock();
}

void driven_gone(void *stream)
{
    struct stream *driven = stream;

    loop_lock();
    driven->inline_thread = false; /* link_leave_unread would look for it */
    stream_gone(driven);
    stream_leave(driven);
    loop_unlock();
}

void driven_leave_unread(struct stream *stream)
{
    link_leave_unread(stream);
}

void driven_turn_away(int fd)
{
    const struct linger at_once = { .l_onoff = 1 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    t_private_close(fd);
}
