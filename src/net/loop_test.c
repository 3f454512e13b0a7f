/* net/loop_test.c - watches, timers, code of the user's that keeps the loop, and forks. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources ../base/*.c ../events/*.c ../test/*.c
//seam:pkg-config openssl

#include "net/loop.h"

#include <errno.h>
#include <pthread.h>
#include <seam/seam.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deadline.h"
#include "net/listener.h"

enum { SOON_MS = 5000 }; /* far beyond what anything here takes */

/* Something that happens on the loop's thread and is waited for. */
struct happening {
    struct loop_watch watch;
    struct loop_timer timer;
    int count;
    char order[8];
};

static bool has_happened(void *arg)
{
    const struct happening *happening = arg;

    return happening->count > 0;
}

static bool happens(struct happening *happening)
{
    bool is;

    loop_lock();
    is = loop_wait(has_happened, happening, deadline_after_ms(SOON_MS));
    loop_unlock();
    return is;
}

static void take_byte(struct loop_watch *watch, uint32_t events)
{
    struct happening *happening = (void *)watch;
    char byte;

    (void)events;
    if (read(watch->fd, &byte, 1) == 1)
        happening->count++;
    loop_wake_waiters();
}

static void count(struct loop_timer *timer)
{
    struct happening *happening = (void *)((char *)timer - offsetof(struct happening, timer));

    happening->count++;
    loop_wake_waiters();
}

static void start_watch(seam_t *t, struct happening *happening, int fd)
{
    happening->watch = (struct loop_watch){ .fd = fd, .ready = take_byte };
    loop_lock();
    seam_require_ok(t, loop_watch_set(&happening->watch, EPOLLIN));
    loop_unlock();
}

static void end_watch(struct happening *happening)
{
    loop_lock();
    loop_watch_remove(&happening->watch);
    loop_timer_cancel(&happening->timer);
    loop_unlock();
}

static void set_timer(seam_t *t, struct happening *happening, int ms)
{
    happening->timer.fire = count;
    loop_lock();
    seam_require_ok(t, loop_timer_set(&happening->timer, ms ? deadline_after_ms(ms) : 0));
    loop_unlock();
}

static void make_pair(seam_t *t, int pair[2])
{
    seam_require_ok(t, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
}

static void close_pair(const int pair[2])
{
    close(pair[0]);
    close(pair[1]);
}

SEAM_TEST(loop_tells_what_is_ready)
{
    struct happening happening = { .count = 0 };
    int pair[2];

    make_pair(t, pair);
    start_watch(t, &happening, pair[0]);
    seam_require_eq(t, write(pair[1], "x", 1), 1);
    seam_check(t, happens(&happening));
    end_watch(&happening);
    close_pair(pair);
}

/* The second watch is under the number of the first. */
SEAM_TEST(loop_tells_nothing_of_a_watch_that_was_removed)
{
    struct happening first = { .count = 0 }, second = { .count = 0 };
    int pair[2];

    make_pair(t, pair);
    start_watch(t, &first, pair[0]);
    end_watch(&first);
    start_watch(t, &second, pair[0]);
    seam_require_eq(t, write(pair[1], "x", 1), 1);
    seam_check(t, happens(&second));
    seam_check_eq(t, first.count, 0);
    end_watch(&second);
    close_pair(pair);
}

SEAM_TEST(loop_fires_a_timer_that_is_due)
{
    struct happening happening = { .count = 0 };

    set_timer(t, &happening, 0);
    seam_check(t, happens(&happening));
}

/* The leader waits for ten seconds, or for ever, when the earlier one comes. */
SEAM_TEST(loop_sees_a_timer_that_another_thread_sets_earlier)
{
    struct happening late = { .count = 0 }, early = { .count = 0 }, again = { .count = 0 };

    set_timer(t, &early, 1);
    seam_check(t, happens(&early));
    set_timer(t, &late, 2 * SOON_MS);
    set_timer(t, &again, 1);
    seam_check(t, happens(&again));
    seam_check_eq(t, late.count, 0);
    end_watch(&late);
}

SEAM_TEST(loop_timer_moves_and_can_be_cancelled)
{
    struct happening moved = { .count = 0 }, cancelled = { .count = 0 };

    set_timer(t, &moved, 2 * SOON_MS);
    set_timer(t, &cancelled, 1000);
    end_watch(&cancelled);
    set_timer(t, &moved, 1);
    seam_check(t, happens(&moved));
    seam_check_eq(t, moved.count, 1);
    seam_check_eq(t, cancelled.count, 0);
    seam_check_eq(t, moved.timer.at_ns, 0);
}

/* ---- code of the user's */

/* A call-back whose code of the user's needs another call-back. */
struct chain {
    struct loop_timer timer;
    struct happening *needed;
    bool came;
    struct happening done;
};

static void need(void *arg)
{
    struct chain *chain = arg;

    chain->came = happens(chain->needed);
}

static void run_chain(struct loop_timer *timer)
{
    struct chain *chain = (void *)timer;

    loop_outside(need, chain);
    chain->done.count++;
    loop_wake_waiters();
}

/* Without another thread that goes on with the loop the inner one is never told. */
SEAM_TEST(loop_goes_on_while_code_of_the_user_waits_for_it)
{
    struct happening inner = { .count = 0 };
    struct chain chain[4] = { 0 };
    int pair[2];

    make_pair(t, pair);
    start_watch(t, &inner, pair[0]);
    for (int i = 0; i < 4; i++) {
        chain[i].timer.fire = run_chain;
        chain[i].needed = i ? &chain[i - 1].done : &inner;
        loop_lock();
        seam_require_ok(t, loop_timer_set(&chain[i].timer, (uint64_t)(4 - i)));
        loop_unlock();
    }
    seam_require_eq(t, write(pair[1], "x", 1), 1);
    seam_check(t, happens(&chain[3].done));
    for (int i = 0; i < 4; i++)
        seam_check(t, chain[i].came);
    end_watch(&inner);
    close_pair(pair);
}

/* It blocks in a way that we do not see: only the patience of the deputy helps. */
static void read_byte(void *arg)
{
    const int *fd = arg;
    char byte;

    while (read(*fd, &byte, 1) != 1)
        ;
}

struct blocking {
    struct loop_timer timer;
    int fd;
    struct happening done;
};

static void run_blocking(struct loop_timer *timer)
{
    struct blocking *blocking = (void *)timer;

    loop_outside(read_byte, &blocking->fd);
    blocking->done.count++;
    loop_wake_waiters();
}

static void write_byte(struct loop_watch *watch, uint32_t events)
{
    struct happening *happening = (void *)watch;

    (void)events;
    loop_watch_set(watch, 0);
    happening->count += write(watch->fd, "x", 1) == 1;
}

SEAM_TEST(loop_goes_on_while_code_of_the_user_blocks)
{
    struct happening writer = { .watch.ready = write_byte };
    struct blocking blocking = { .timer.fire = run_blocking };
    int pair[2];

    make_pair(t, pair);
    blocking.fd = pair[0];
    writer.watch.fd = pair[1];
    loop_lock();
    seam_require_ok(t, loop_timer_set(&blocking.timer, 0));
    loop_unlock();
    loop_lock();
    seam_require_ok(t, loop_watch_set(&writer.watch, EPOLLOUT));
    loop_unlock();
    seam_check(t, happens(&blocking.done));
    end_watch(&writer);
    close_pair(pair);
}

static void nothing(void *arg)
{
    (void)arg;
}

static void go_out(struct loop_timer *timer)
{
    struct happening *happening = (void *)((char *)timer - offsetof(struct happening, timer));

    loop_outside(nothing, NULL);
    happening->count += loop_is_this_thread();
    loop_wake_waiters();
}

SEAM_TEST(loop_runs_code_of_the_user_on_its_own_thread)
{
    struct happening happening = { .timer.fire = go_out };

    for (int i = 0; i < 100; i++) {
        happening.count = 0;
        loop_lock();
        seam_require_ok(t, loop_timer_set(&happening.timer, 0));
        loop_unlock();
        seam_require(t, happens(&happening));
    }
    seam_check(t, !loop_is_this_thread());
}

/* ---- surroundings */

struct look {
    struct loop_timer timer;
    sigset_t blocked;
    char name[16];
    struct happening done;
};

static void look_around(struct loop_timer *timer)
{
    struct look *look = (void *)timer;

    pthread_sigmask(SIG_BLOCK, NULL, &look->blocked);
    prctl(PR_GET_NAME, look->name);
    look->done.count++;
    loop_wake_waiters();
}

/* But those that report a crash: blocked, they end the process without a word. */
SEAM_TEST(loop_threads_block_signals)
{
    struct look look = { .timer.fire = look_around };

    loop_lock();
    seam_require_ok(t, loop_timer_set(&look.timer, 0));
    loop_unlock();
    seam_require(t, happens(&look.done));
    seam_check_eq(t, sigismember(&look.blocked, SIGTERM), 1);
    seam_check_eq(t, sigismember(&look.blocked, SIGALRM), 1);
    seam_check_eq(t, sigismember(&look.blocked, SIGSEGV), 0);
    seam_check_eq(t, look.name, "seam");
}

SEAM_TEST(loop_is_gone_in_a_forked_child)
{
    struct happening happening = { .count = 0 };
    int status = 0;
    pid_t pid;

    set_timer(t, &happening, 0);
    seam_require(t, happens(&happening));
    pid = fork();
    if (pid == 0) {
        struct loop_timer timer = { .fire = count };
        int r;

        loop_lock();
        r = loop_timer_set(&timer, 0);
        loop_unlock();
        _exit(r == -ENOTSUP && loop_is_gone() ? 0 : 1);
    }
    seam_require_eq(t, waitpid(pid, &status, 0), pid);
    seam_check_eq(t, status, 0);
    seam_check(t, !loop_is_gone());
}

/* ---- a fork while the loop is at work */

enum { FORKS = 100, BLOCKS = 64, PAUSE_NS = 50000 };

static void use_heap(void)
{
    void *blocks[BLOCKS];

    for (int i = 0; i < BLOCKS; i++)
        blocks[i] = malloc(160);
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
}

static void use_heap_again(struct loop_timer *timer)
{
    use_heap();
    loop_timer_set(timer, now_ns() + PAUSE_NS);
}

/* Under AddressSanitizer of gcc 12 a child inherits the allocator's locks as they are. */
SEAM_TEST(loop_is_at_no_work_while_the_program_forks)
{
    struct loop_timer timer = { .fire = use_heap_again };

    loop_lock();
    seam_require_eq(t, loop_timer_set(&timer, 1), 0);
    loop_unlock();
    for (int i = 0; i < FORKS; i++) {
        pid_t child = fork();

        seam_require(t, child >= 0);
        if (child == 0) {
            use_heap();
            _exit(0);
        }
        seam_require_eq(t, waitpid(child, NULL, 0), child);
    }
    loop_lock();
    loop_timer_cancel(&timer);
    loop_unlock();
}

/* A function of the user's that the loop calls may fork, too. */
static void fork_once(struct loop_timer *timer)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    if (waitpid(child, NULL, 0) == child)
        count(timer);
}

SEAM_TEST(loop_may_fork_itself)
{
    struct happening happening = { .timer.fire = fork_once };

    loop_lock();
    seam_require_eq(t, loop_timer_set(&happening.timer, 1), 0);
    loop_unlock();
    seam_check(t, happens(&happening));
}

/* ---- listeners */

struct host {
    struct listener listener;
    struct happening came;
    char peer[64];
};

static void take_client(struct listener *listener, int fd, const char *peer)
{
    struct host *host = (void *)listener;

    snprintf(host->peer, sizeof host->peer, "%s %d", peer, fd > 500);
    close(fd);
    host->came.count++;
    loop_wake_waiters();
}

SEAM_TEST(listener_says_who_came)
{
    struct host host = { .listener.accepted = take_client };
    const char *path = seam_path(t, "%s/socket", seam_tempdir(t));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    struct err err = { "" };

    loop_lock();
    seam_require_ok(t, listener_start(&host.listener, path, &err));
    loop_unlock();
    getsockname(host.listener.watch.fd, (struct sockaddr *)&address, &size);
    seam_check_ok(t, connect(fd, (struct sockaddr *)&address, size));
    seam_check(t, happens(&host.came));
    seam_check_eq(t, host.peer, "unix 1");
    close(fd);
    loop_lock();
    listener_stop(&host.listener);
    loop_unlock();
    seam_check_eq(t, access(path, F_OK), -1);
}

SEAM_TEST(listener_refuses_a_path_that_is_too_long)
{
    struct listener listener = { .accepted = take_client };
    const char *path = seam_format(t, "/tmp/%0120d", 1);
    struct err err = { "" };

    loop_lock();
    seam_check_eq(t, listener_start(&listener, path, &err), -ENAMETOOLONG);
    listener_stop(&listener);
    loop_unlock();
    seam_check_contains(t, err.text, "a unix socket's path has at most 107 bytes");
}

SEAM_TEST(listener_is_found_by_its_port)
{
    struct host one = { .listener.accepted = take_client };
    struct host two = { .listener.accepted = take_client };
    struct err err = { "" };

    loop_lock();
    seam_require_ok(t, listener_start(&one.listener, NULL, &err));
    seam_require_ok(t, listener_start(&two.listener, NULL, &err));
    seam_check(t, listener_of_port(one.listener.port) == &one.listener);
    seam_check(t, listener_of_port(two.listener.port) == &two.listener);
    listener_stop(&one.listener);
    seam_check(t, !listener_of_port(one.listener.port));
    listener_stop(&two.listener);
    loop_unlock();
}
