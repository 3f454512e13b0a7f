/* test/backlog_test.c - events that wait to be written: their order, their pieces, and what is left of them. */

#include "test/backlog.h"

#include <seam/seam.h>

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void unmap(void *backlog)
{
    munmap(backlog, BACKLOG_SIZE);
}

static struct backlog *new_backlog(seam_t *t)
{
    struct backlog *backlog = backlog_map(-1, 1);

    seam_require(t, backlog);
    seam_cleanup(t, unmap, backlog);
    return backlog;
}

static bool add(struct backlog *backlog, int number, const char *text)
{
    struct event event = {
        .kind = EVENT_EXCHANGE, .node = EVENT_ROOT, .number = number, .text = text_of(text)
    };

    return backlog_add(backlog, &event);
}

/* Whether these are whole events with the numbers from `first` on; returns how many. */
static int count_events(seam_t *t, struct text records, int first)
{
    int count = 0;

    while (records.size > 0) {
        struct event event;
        long size = event_decode(records.data, records.size, &event);

        seam_require_lt(t, 0, size);
        seam_check_eq(t, event.number, first + count++);
        records.data += size;
        records.size -= (size_t)size;
    }
    return count;
}

SEAM_TEST(backlog_keeps_what_was_added)
{
    struct backlog *backlog = new_backlog(t);

    seam_check_eq(t, backlog_left(backlog).size, 0);
    for (int i = 0; i < 3; i++)
        seam_check(t, add(backlog, i, "GET /"));
    seam_check_eq(t, count_events(t, backlog_left(backlog), 0), 3);
    backlog_clear(backlog);
    seam_check_eq(t, backlog_left(backlog).size, 0);
}

SEAM_TEST(backlog_is_full_at_its_cap)
{
    struct backlog *backlog = new_backlog(t);
    int count = 0;

    while (add(backlog, count, "GET /a/path/of/some/length"))
        count++;
    seam_check_eq(t, count_events(t, backlog_left(backlog), 0), count);
    seam_check_le(t, backlog_left(backlog).size, BACKLOG_SIZE);
    seam_check_lt(t, BACKLOG_SIZE - 200, backlog_left(backlog).size);
}

/* A packet for each write: what goes into a pipe in one piece must be whole records. */
SEAM_TEST(backlog_is_written_in_pieces_of_whole_records)
{
    struct backlog *backlog = new_backlog(t);
    int pipes[2], count = 0, got = 0;
    char piece[PIPE_BUF + 1];
    ssize_t size;

    seam_require_ok(t, pipe2(pipes, O_CLOEXEC | O_DIRECT));
    while (add(backlog, count, "GET /a/path/of/some/length"))
        count++;
    seam_require_ok(t, backlog_write(backlog, pipes[1]));
    close(pipes[1]);
    while ((size = read(pipes[0], piece, sizeof piece)) > 0)
        got += count_events(t, (struct text){ piece, (size_t)size }, got);
    close(pipes[0]);
    seam_check_eq(t, got, count);
    seam_check_eq(t, backlog_left(backlog).size, 0);
    seam_check(t, add(backlog, 0, "GET /"));
}

SEAM_TEST(backlog_of_a_dead_process_is_found)
{
    struct backlog *backlog = new_backlog(t);
    pid_t pid = fork();

    if (pid == 0) {
        add(backlog, 1, "GET /");
        add(backlog, 2, "GET /");
        _exit(0);
    }
    seam_require_eq(t, waitpid(pid, NULL, 0), pid);
    seam_check_eq(t, count_events(t, backlog_left(backlog), 1), 2);
}

/* Some of it was in the pipe when the process was killed. */
SEAM_TEST(backlog_has_what_was_not_written)
{
    struct backlog *backlog = new_backlog(t);
    int pipes[2], written, count = 0;
    char all[BACKLOG_SIZE];
    pid_t pid;

    while (add(backlog, count, "GET /a/path/of/some/length"))
        count++;
    seam_require_ok(t, pipe2(pipes, O_CLOEXEC));
    fcntl(pipes[1], F_SETPIPE_SZ, 4 * PIPE_BUF);
    pid = fork();
    if (pid == 0)
        _exit(backlog_write(backlog, pipes[1]) != 0); /* waits for ever: the pipe is full */
    while (backlog_left(backlog).size > BACKLOG_SIZE - 3 * PIPE_BUF)
        poll(NULL, 0, 1);
    kill(pid, SIGKILL);
    seam_require_eq(t, waitpid(pid, NULL, 0), pid);
    close(pipes[1]);
    written = count_events(t, (struct text){ all, (size_t)read(pipes[0], all, sizeof all) }, 0);
    close(pipes[0]);
    seam_check_eq(t, written + count_events(t, backlog_left(backlog), written), count);
}

/* The test owns that memory, and may write nonsense over it. */
SEAM_TEST(backlog_that_was_overwritten_is_bounded)
{
    struct backlog *backlog = new_backlog(t);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    memset(backlog, 0xff, BACKLOG_SIZE);
    seam_check_eq(t, backlog_left(backlog).size, 0);
    memset(backlog, 0x11, BACKLOG_SIZE);
    seam_check_eq(t, backlog_left(backlog).size, 0);
    backlog_clear(backlog);
    seam_check(t, add(backlog, 0, "GET /"));
    memset((char *)backlog_left(backlog).data, 0xff, 4);
    seam_check_ok(t, backlog_write(backlog, null));
    close(null);
}
