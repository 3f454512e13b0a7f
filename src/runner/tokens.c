/* runner/tokens.c - GNU make's jobserver; see tokens.h. */

#include "runner/tokens.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* "--jobserver-auth=R,W" or "--jobserver-auth=fifo:PATH" (GNU make 4.4), also "--jobserver-fds=". */
static bool open_of_make(struct tokens *tokens)
{
    const char *flags = getenv("MAKEFLAGS");
    const char *auth = flags ? strstr(flags, "--jobserver-auth=") : NULL;
    char path[4096];

    if (!auth)
        return false;
    auth += strlen("--jobserver-auth=");
    if (sscanf(auth, "fifo:%4095s", path) == 1)
        tokens->from = tokens->to = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    else if (sscanf(auth, "%d,%d", &tokens->from, &tokens->to) == 2 &&
             fcntl(tokens->from, F_GETFD) >= 0 && fcntl(tokens->to, F_GETFD) >= 0) {
        /* Its own open file, so that not blocking is ours alone. */
        snprintf(path, sizeof path, "/proc/self/fd/%d", tokens->from);
        tokens->from = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    } else
        tokens->from = -1;
    return tokens->from >= 0;
}

static bool open_of_session(struct tokens *tokens, const char *fifo, bool make, int count)
{
    if (make && mkfifo(fifo, 0600) < 0)
        return false;
    tokens->from = tokens->to = open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    for (int i = 1; make && tokens->to >= 0 && i < count; i++)
        if (write(tokens->to, &(const char){ TOKEN }, 1) != 1)
            break;
    return tokens->from >= 0;
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
