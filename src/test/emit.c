/* test/emit.c - write events to the runner, with marks that keep them in step with raw output. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "events/agent_link.h"
#include "test/state.h"

struct process process = { .events = -1, .output = -1, .lock = PTHREAD_MUTEX_INITIALIZER,
                           .parallel = 1, .alone = true };
_Thread_local seam_t *current_test;

bool emit_is_forked(void)
{
    return getpid() != process.pid;
}

/* A test may have closed the descriptor, or put another file under its number. */
bool emit_is_possible(void)
{
    struct stat now;

    return fstat(process.events, &now) == 0 && now.st_dev == process.events_device &&
           now.st_ino == process.events_inode;
}

/* Two pipes have no common order. So when anything may lie unread in the output pipe, a mark there
 * says "event number so-and-so belongs here"; without one, all output is behind the event. */
static bool mark_output(void)
{
    char mark[MARK_SIZE + 1];
    int unread = 0;

    if (process.output < 0)
        return false;
    if (!process.noisy && (ioctl(process.output, FIONREAD, &unread) < 0 || unread == 0))
        return false;
    process.noisy = true;
    snprintf(mark, sizeof mark, "%c%s%08x%c", MARK_BYTE, process.nonce, process.sequence,
             MARK_BYTE);
    return io_write_all(process.output, mark, MARK_SIZE) == 0;
}

/* A child that the test forked shares the pipe: its records must go out in one piece (PIPE_BUF). */
enum { FORKED_TEXT_MAX = 3000 };

static void write_event(struct event *event)
{
    struct buf record = BUF_INIT(EVENT_MAX);

    if (emit_is_forked()) {
        event->flags |= EVENT_FORKED;
        if (event->text.size > FORKED_TEXT_MAX)
            event->text.size = FORKED_TEXT_MAX;
    } else
        event->flags |= mark_output() ? EVENT_MARKED : 0;
    event->time_ns = now_ns();
    if (event_encode(&record, event) == 0 &&
        io_write_all(process.events, record.data, record.size) == 0)
        process.sequence++;
    buf_fini(&record);
}

void emit(struct event *event)
{
    fflush(stdout);
    pthread_mutex_lock(&process.lock);
    if (process.alone)
        alone_event(event);
    else if (emit_is_possible())
        write_event(event);
    pthread_mutex_unlock(&process.lock);
}

void emit_message(seam_t *t, enum message_kind kind, seam_site at, struct text text)
{
    struct event event = {
        .kind = EVENT_MESSAGE,
        .status = (uint8_t)kind,
        .node = t->node,
        .number = at.line,
        .file = text_of(at.file),
        .text = text,
        .flags = at.file ? 0 : EVENT_VERBATIM,
    };

    t->touched = true;
    emit(&event);
}

/* From a signal handler: no lock, no allocation, no stdio. The record is far below PIPE_BUF. */
void crash_write(struct event *event)
{
    struct buf record = { .cap = 2048, .room = 2048 };
    char room[2048];

    record.data = room;
    event->time_ns = now_ns();
    event->flags |= mark_output() ? EVENT_MARKED : 0;
    if (event_encode(&record, event) == 0)
        io_write_all(process.events, record.data, record.size);
}
