/* runner/tokens.c - GNU make's jobserver; see tokens.h. */

#include "runner/tokens.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "runner/run.h"

enum { TOKEN = '+', HELD_MAX = 4096 };

struct tokens {
    struct watch watch; /* in the loop only while a token is wanted */
    int from;
    int to;
    unsigned held;
    char bytes[HELD_MAX]; /* the very bytes that were taken: make may give them a meaning */
};

/* What follows the last of these options in MAKEFLAGS, as make itself reads them. */
static const char *auth_of_make(void)
{
    static const char *const options[] = { "--jobserver-auth=", "--jobserver-fds=" };
    const char *flags = getenv("MAKEFLAGS");
    const char *last = NULL;

    for (size_t i = 0; flags && i < sizeof options / sizeof *options; i++)
        for (const char *at = flags; (at = strstr(at, options[i]));) {
            at += strlen(options[i]);
            last = at;
        }
    return last;
}

/* To a recipe without "+" make names descriptors that it has closed, and they may be anything by now. */
static bool is_pipe(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

/* "R,W", two descriptors, or "fifo:PATH" (GNU make 4.4). */
static bool open_of_make(struct tokens *tokens)
{
    const char *auth = auth_of_make();
    char path[4096];
    int from, to;

    if (!auth)
        return false;
    if (sscanf(auth, "fifo:%4095s", path) == 1)
        tokens->from = tokens->to = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    else if (sscanf(auth, "%d,%d", &from, &to) == 2 && is_pipe(from) && is_pipe(to)) {
        /* Its own open file, so that not blocking is ours alone. */
        snprintf(path, sizeof path, "/proc/self/fd/%d", from);
        tokens->from = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        tokens->to = to;
    }
    return tokens->from >= 0;
}

/* A pool that nobody has open is empty, and a runner that was killed has put nothing back. So whoever finds
 * himself alone fills it: each runner holds a shared lock. The session is locked, so no other joins
 * meanwhile. */
static void fill_if_alone(const struct tokens *tokens, int count)
{
    char waste[256];

    if (flock(tokens->to, LOCK_EX | LOCK_NB) == 0) {
        while (read(tokens->from, waste, sizeof waste) > 0)
            ;
        for (int i = 1; i < count; i++)
            if (write(tokens->to, &(const char){ TOKEN }, 1) != 1)
                break;
    }
    flock(tokens->to, LOCK_SH);
}

static bool open_of_session(struct tokens *tokens, const char *fifo, bool make, int count)
{
    if (make && mkfifo(fifo, 0600) < 0)
        return false;
    tokens->from = tokens->to = open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tokens->from < 0)
        return false;
    fill_if_alone(tokens, count);
    return true;
}

void tokens_join(struct run *run, const char *fifo, bool make)
{
    struct tokens *tokens = arena_zero(&run->arena, sizeof *tokens);

    tokens->watch.fd = tokens->from = tokens->to = -1;
    if (open_of_make(tokens) ||
        (fifo && open_of_session(tokens, fifo, make, run->options->parallel)))
        run->tokens = tokens;
}

static void stop_waiting(struct run *run)
{
    loop_forget(&run->loop, &run->tokens->watch);
}

static void token_ready(struct watch *watch, uint32_t events)
{
    (void)events;
    stop_waiting(watch->owner); /* the loop's turn asks again */
}

bool tokens_take(struct run *run)
{
    struct tokens *tokens = run->tokens;

    if (!tokens || tokens->held >= run->in_flight)
        return true;
    if (tokens->held < HELD_MAX && read(tokens->from, &tokens->bytes[tokens->held], 1) == 1) {
        tokens->held++;
        return true;
    }
    if (tokens->watch.fd < 0)
        loop_add(&run->loop, &tokens->watch, tokens->from, token_ready, run);
    return false;
}

static void put_back(struct tokens *tokens, unsigned needed)
{
    while (tokens->held > needed &&
           io_write_all(tokens->to, &tokens->bytes[tokens->held - 1], 1) == 0)
        tokens->held--;
}

void tokens_settle(struct run *run)
{
    if (run->tokens)
        put_back(run->tokens, run->in_flight > 0 ? run->in_flight - 1 : 0);
}

void tokens_leave(struct run *run)
{
    if (!run->tokens)
        return;
    put_back(run->tokens, 0);
    stop_waiting(run);
    run->tokens = NULL;
}
