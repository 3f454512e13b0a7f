/* test/emit.c - write events to the runner, with marks that keep them in step with raw output. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/single_threaded.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "events/agent_link.h"
#include "test/state.h"

_Alignas(2048) struct process process = {
    .events = -1, .output = -1, .lock = PTHREAD_MUTEX_INITIALIZER, .parallel = 1, .alone = true
};
_Thread_local seam_t *current_test;

/* Ten microseconds are too short for a fork, and for closing and opening up to our high numbers; a clock
 * that a test has stopped is not believed for long. */
enum { LOOK_NS = 10000, LOOKS_SAVED = 16 };

void emit_begin(int events, int output)
{
    struct stat pipe;

    process.pid = getpid();
    process.events = events;
    process.output = output;
    process.looked_ns = 0;
    if (fstat(events, &pipe) == 0) {
        process.events_device = pipe.st_dev;
        process.events_inode = pipe.st_ino;
    }
}

/* A test may have closed the descriptor, or put another file under its number. */
bool emit_is_possible(void)
{
    struct stat now;

    return fstat(process.events, &now) == 0 && now.st_dev == process.events_device &&
           now.st_ino == process.events_inode;
}

/* Subtests come by the thousand, so not each of their events can pay for these system calls. */
static void look_around(void)
{
    uint64_t now = now_ns();
    int saved = atomic_load_explicit(&process.looks_saved, memory_order_relaxed);
    uint64_t before = atomic_load_explicit(&process.looked_ns, memory_order_relaxed);
    bool enough = now - before < LOOK_NS && saved < LOOKS_SAVED;

    atomic_store_explicit(&process.looks_saved, enough ? saved + 1 : 0, memory_order_relaxed);
    if (enough)
        return;
    atomic_store(&process.forked, getpid() != process.pid);
    atomic_store(&process.closed, !process.alone && !emit_is_possible());
    atomic_store(&process.looked_ns, now);
}

bool emit_is_forked(void)
{
    look_around();
    return process.forked;
}

/* The lock may have been held by a thread that is not here. */
static void after_fork(void)
{
    process.looked_ns = 0;
    process.backlog = NULL; /* the parent's */
    pthread_mutex_init(&process.lock, NULL);
}

/* What was kept goes before what the child will say. */
static void before_fork(void)
{
    if (!process.backlog || emit_is_forked() || process.closed)
        return;
    pthread_mutex_lock(&process.lock);
    backlog_write(process.backlog, process.events);
    pthread_mutex_unlock(&process.lock);
}

void emit_watch_forks(void)
{
    pthread_atfork(before_fork, NULL, after_fork);
}

static void write_hex(char *to, uint32_t value)
{
    for (int i = 0; i < 8; i++)
        to[i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
}

/* Two pipes have no common order. So when anything may lie unread in the output pipe, a mark there
 * says "event number so-and-so belongs here"; without one, all output is behind the event. */
static bool mark_output(void)
{
    char mark[MARK_SIZE];
    int unread = 0;

    if (process.output < 0)
        return false;
    if (!process.noisy && (ioctl(process.output, FIONREAD, &unread) < 0 || unread == 0))
        return false;
    process.noisy = true;
    mark[0] = mark[MARK_SIZE - 1] = MARK_BYTE;
    memcpy(mark + 1, process.nonce, MARK_NONCE);
    write_hex(mark + 1 + MARK_NONCE, process.sequence);
    return io_write_all(process.output, mark, MARK_SIZE) == 0;
}

/* A child that the test forked shares the pipe: its records must go out in one piece (PIPE_BUF). */
enum { FORKED_TEXT_MAX = 3000 };

enum { SMALL_RECORD = 1024, MANY_EVENTS = 256 };

/* Each page that a test's process touches costs a fault, so the usual record needs neither malloc nor
 * stdio. */
static int write_record(const struct event *event)
{
    size_t size = event_size(event);
    char small[SMALL_RECORD];
    char *record = size <= sizeof small ? small : malloc(size);
    int r;

    if (!record)
        return -ENOMEM;
    event_write(record, event);
    r = io_write_all(process.events, record, size);
    if (record != small)
        free(record);
    return r;
}

static void count_event(void)
{
    if (++process.sequence == MANY_EVENTS)
        fcntl(process.events, F_SETPIPE_SZ,
              AGENT_WIDE_PIPE); /* the runner lets us speak for a while */
}

static void write_event(struct event *event, bool forked, bool in_place)
{
    if (process.backlog && !forked)
        backlog_write(process.backlog, process.events);
    if (forked) {
        event->flags |= EVENT_FORKED;
        if (event->text.size > FORKED_TEXT_MAX)
            event->text.size = FORKED_TEXT_MAX;
    } else if (in_place)
        event->flags |= mark_output() ? EVENT_MARKED : 0;
    event->time_ns = now_ns();
    if (write_record(event) == 0)
        count_event();
}

bool emit_lock(void)
{
    bool locked = !__libc_single_threaded;

    if (locked)
        pthread_mutex_lock(&process.lock);
    return locked;
}

void emit_unlock(bool locked)
{
    if (locked)
        pthread_mutex_unlock(&process.lock);
}

static void emit_event(struct event *event, bool in_place)
{
    bool forked = emit_is_forked();
    bool locked = emit_lock();

    if (process.alone)
        alone_event(event);
    else if (!process.closed)
        write_event(event, forked, in_place);
    emit_unlock(locked);
}

void emit(struct event *event)
{
    if (__fpending(stdout) > 0)
        fflush(stdout);
    emit_event(event, true);
}

/* Whether it could be kept for later. */
static bool keep_event(struct event *event)
{
    bool locked = emit_lock();
    bool kept;

    if (event->time_ns == 0)
        event->time_ns = now_ns();
    kept = process.backlog && backlog_add(process.backlog, event);
    if (kept)
        count_event();
    emit_unlock(locked);
    return kept;
}

void emit_aside(struct event *event)
{
    if (!keep_event(event))
        emit_event(event, false);
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

/* What was kept goes before the crash. Not where a thread has the lock, perhaps this one: the agent will find it
 * then. */
static void write_backlog(void)
{
    if (!process.backlog || pthread_mutex_trylock(&process.lock) != 0)
        return;
    backlog_write(process.backlog, process.events);
    pthread_mutex_unlock(&process.lock);
}

/* No wait for a lock, no allocation, no stdio. The record is far below PIPE_BUF. */
bool emit_crash(struct event *event)
{
    char record[2048];

    if (event_size(event) > sizeof record || !emit_is_possible())
        return false;
    write_backlog();
    event->time_ns = now_ns();
    event->flags |= mark_output() ? EVENT_MARKED : 0;
    event_write(record, event);
    return io_write_all(process.events, record, event_size(event)) == 0;
}
