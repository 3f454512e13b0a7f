/*
 * test/spawn_reader.c - the output of a spawned program and its end, read by a thread of ours.
 *
 * The thread writes each line to the test's output, keeps it, and then tells the test's thread. It ends when
 * the test says so; it takes no part in checks and calls no code of the user.
 */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "test/spawn.h"

enum {
    PIECE = 64 << 10,
    LINE_MAX_BYTES = 64 << 10, /* a longer one is shown in pieces */
    DRAIN_MAX = 4 << 20, /* what may lie in a pipe, and more than that */
    REPORT_MAX = 4 << 10,
};

/* The reader's own; only what is in the seam_process is shared. */
struct reading {
    seam_process *child;
    int output; /* -1: all who could write to it have ended */
    bool ended;
    struct buf line; /* what has come of a line that is not complete */
    struct buf shown; /* lines on their way to the test's output */
    char piece[PIECE];
};

/* Lines of two programs may not mix. */
static pthread_mutex_t showing = PTHREAD_MUTEX_INITIALIZER;

static void wake(int fd)
{
    eventfd_write(fd, 1);
}

/* ---- lines */

/* "src/a.c:7:3: runtime error: ...", as UndefinedBehaviorSanitizer begins. */
static bool is_undefined(const char *line)
{
    const char *at = strstr(line, ": runtime error: ");
    int colons = 0;

    for (; at && at > line && strchr("0123456789:", at[-1]); at--)
        colons += at[-1] == ':';
    return at && colons == 2;
}

static bool is_report(const char *line)
{
    return (strstr(line, "==ERROR: ") && strstr(line, "Sanitizer: ")) ||
           strstr(line, "WARNING: ThreadSanitizer: ") ||
           strstr(line, "==WARNING: MemorySanitizer: ") || is_undefined(line);
}

static void note_report(seam_process *child, const char *line)
{
    if (!is_report(line))
        return;
    pthread_mutex_lock(&child->lock);
    if (child->report.size == 0)
        buf_printf(&child->report, "%.2000s", line);
    pthread_mutex_unlock(&child->lock);
}

static void end_line(struct reading *reading)
{
    buf_printf(&reading->shown, "%s: ", reading->child->name);
    buf_add(&reading->shown, reading->line.data, reading->line.size);
    buf_add_char(&reading->shown, '\n');
    note_report(reading->child, buf_text(&reading->line));
    buf_clear(&reading->line);
}

static void show(struct reading *reading)
{
    int output = process.output >= 0 ? process.output : STDOUT_FILENO;

    pthread_mutex_lock(&showing);
    io_write_all(output, buf_text(&reading->shown), reading->shown.size);
    pthread_mutex_unlock(&showing);
    buf_clear(&reading->shown);
}

static void take_lines(struct reading *reading, const char *data, size_t size)
{
    while (size > 0) {
        const char *end = memchr(data, '\n', size);
        size_t piece = end ? (size_t)(end - data) : size;
        size_t room = LINE_MAX_BYTES - reading->line.size;

        buf_add(&reading->line, data, piece < room ? piece : room);
        if (piece >= room)
            piece = room;
        else if (end)
            piece++;
        if (piece == room || end)
            end_line(reading);
        data += piece;
        size -= piece;
    }
    show(reading);
}

/* ---- what the test may ask for */

static void keep(seam_process *child, const char *data, size_t size)
{
    pthread_mutex_lock(&child->lock);
    if (child->text.size + size > child->text.cap) {
        size_t gone = child->text.size - SPAWN_OUTPUT_MAX;

        buf_drop(&child->text, gone);
        child->dropped += gone;
    }
    buf_add(&child->text, data, size);
    pthread_mutex_unlock(&child->lock);
}

struct spawn_end spawn_end_of(seam_process *child)
{
    struct spawn_end end;

    pthread_mutex_lock(&child->lock);
    end = child->end;
    pthread_mutex_unlock(&child->lock);
    return end;
}

const char *spawn_report(seam_process *child)
{
    const char *copy = NULL;

    pthread_mutex_lock(&child->lock);
    if (child->report.size > 0)
        copy = arena_dup(&child->t->arena, buf_text(&child->report));
    pthread_mutex_unlock(&child->lock);
    return copy;
}

char *spawn_output(seam_process *child, uint64_t from, uint64_t *ret_at, size_t *ret_size)
{
    char *copy;
    uint64_t end;

    pthread_mutex_lock(&child->lock);
    end = child->dropped + child->text.size;
    if (end > SPAWN_OUTPUT_MAX && from < end - SPAWN_OUTPUT_MAX)
        from = end - SPAWN_OUTPUT_MAX;
    *ret_size = (size_t)(end - from);
    *ret_at = from;
    copy = arena_copy(&child->t->arena, buf_text(&child->text) + (from - child->dropped),
                      *ret_size);
    pthread_mutex_unlock(&child->lock);
    return copy;
}

/* Where the last lines begin. */
static const char *last_lines(const char *text, size_t size)
{
    const char *at = text + size;
    int lines = 0;

    if (at > text && at[-1] == '\n')
        at--;
    while (at > text && (at[-1] != '\n' || ++lines < SPAWN_TAIL_LINES))
        at--;
    return at;
}

const char *spawn_tail(seam_process *child)
{
    enum { TAIL_BYTES = 8 << 10 };
    struct buf words = BUF_INIT(64 << 10);
    const char *text, *copy;
    uint64_t end, at;
    size_t size;

    pthread_mutex_lock(&child->lock);
    end = child->dropped + child->text.size;
    pthread_mutex_unlock(&child->lock);
    text = spawn_output(child, end > TAIL_BYTES ? end - TAIL_BYTES : 0, &at, &size);
    if (size == 0)
        return arena_printf(&child->t->arena, "%s\n    it wrote nothing", spawn_stack(child));
    buf_printf(&words, "%s\n    last lines of its output:", spawn_stack(child));
    for (text = last_lines(text, size); *text;) {
        int line = (int)strcspn(text, "\n");

        buf_printf(&words, "\n        %.*s", line, text);
        text += line + (text[line] == '\n');
    }
    copy = arena_dup(&child->t->arena, buf_text(&words));
    buf_fini(&words);
    return copy;
}

/* ---- the thread */

/* Read once. False when there is nothing for now. */
static bool read_piece(struct reading *reading)
{
    char *piece = reading->piece;
    ssize_t n = read(reading->output, piece, PIECE);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0) {
        reading->output = -1;
        return false;
    }
    for (char *at = piece; (at = memchr(at, '\0', (size_t)(piece + n - at)));)
        *at = '?'; /* or the text would end there */
    take_lines(reading, piece, (size_t)n);
    keep(reading->child, piece, (size_t)n);
    return true;
}

static void drain(struct reading *reading)
{
    for (int i = 0; reading->output >= 0 && i < DRAIN_MAX / PIECE; i++)
        if (!read_piece(reading))
            break;
}

/* It has ended. It stays a zombie until the test has done with it, so that its number, and that of its group,
 * is nobody else's. */
static void note_end(struct reading *reading)
{
    struct spawn_end end = { .ended = true };
    siginfo_t info = { 0 };
    int r;

    drain(reading);
    do
        r = waitid(P_PIDFD, (id_t)reading->child->pidfd, &info, WEXITED | WNOWAIT);
    while (r < 0 && errno == EINTR);
    end.lost = r < 0;
    end.killed = info.si_code != CLD_EXITED;
    end.status = info.si_status;
    pthread_mutex_lock(&reading->child->lock);
    reading->child->end = end;
    pthread_mutex_unlock(&reading->child->lock);
    reading->ended = true;
}

/* Returns false when the test wants no more of it. */
static bool step(struct reading *reading)
{
    struct pollfd fds[] = { { .fd = reading->output, .events = POLLIN },
                            { .fd = reading->ended ? -1 : reading->child->pidfd,
                              .events = POLLIN },
                            { .fd = reading->child->finish, .events = POLLIN } };

    if (poll(fds, 3, -1) < 0)
        return errno == EINTR;
    if (fds[0].revents)
        read_piece(reading);
    if (fds[1].revents)
        note_end(reading);
    if (fds[0].revents || fds[1].revents)
        wake(reading->child->changed);
    return !fds[2].revents;
}

static void *read_all(void *arg)
{
    struct reading reading = { .child = arg,
                               .output = ((seam_process *)arg)->output,
                               .line = BUF_INIT(LINE_MAX_BYTES + 1),
                               .shown = BUF_INIT(SPAWN_OUTPUT_MAX) };

    while (step(&reading))
        ;
    drain(&reading);
    if (reading.line.size > 0)
        end_line(&reading);
    show(&reading);
    buf_fini(&reading.line);
    buf_fini(&reading.shown);
    return NULL;
}

int spawn_read(seam_process *child, struct err *err)
{
    sigset_t all, before;
    int r;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&child->reader, NULL, read_all, child);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r != 0)
        return err_system(err, -r, "cannot start a thread for the output of '%s'", child->name);
    child->reading = true;
    return 0;
}

void spawn_read_end(seam_process *child)
{
    if (!child->reading)
        return;
    wake(child->finish);
    pthread_join(child->reader, NULL);
    child->reading = false;
}
