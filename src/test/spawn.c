/* test/spawn.c - start the program under test, talk to it, and have it end with the test; see seam/spawn.h. */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base_name.h"
#include "base/io.h"
#include "test/spawn.h"

/* ---- starting */

/* SEAM_TEST_ID of the test and a number: it still is the test's to the runner, and finds what this program
 * starts and nothing else. */
static const char *make_marker(seam_t *t)
{
    static atomic_uint started;
    const char *own = getenv("SEAM_TEST_ID");

    if (own && *own)
        return arena_printf(&t->arena, "%s.%u", own, ++started);
    return arena_printf(&t->arena, "alone.%d.%u", (int)getpid(), ++started);
}

static void refuse_mistakes(seam_t *t, const struct seam_spawn_options *options)
{
    if (!options->argv[0] || !*options->argv[0])
        seam_fatal_at(t, options->site, "seam_spawn without a program: .argv is empty");
    if (options->stdin_text && options->stdin_pipe)
        seam_fatal_at(t, options->site,
                      "seam_spawn: .stdin_text and .stdin_pipe exclude each other");
    for (int i = 0; i < SEAM_SPAWN_VARIABLES && options->env[i]; i++)
        if (!*options->env[i] || *options->env[i] == '=')
            seam_fatal_at(t, options->site,
                          "seam_spawn: '%s' in .env is not of the form NAME=value",
                          options->env[i]);
    if (options->stop_signal < 0 || options->stop_signal >= NSIG)
        seam_fatal_at(t, options->site, "seam_spawn: there is no signal %d",
                      options->stop_signal);
}

static seam_process *make(seam_t *t, const struct seam_spawn_options *options)
{
    seam_process *child = arena_zero(&t->arena, sizeof *child);

    child->t = t;
    child->options = *options;
    child->name = arena_dup(&t->arena, base_name(options->argv[0]));
    child->marker = make_marker(t);
    child->owner = getpid();
    child->pidfd = child->output = child->input = child->ready = -1;
    child->changed = child->finish = -1;
    sigemptyset(&child->sent);
    pthread_mutex_init(&child->lock, NULL);
    child->text = BUF_INIT(2 * SPAWN_OUTPUT_MAX);
    child->report = BUF_INIT(4096);
    return child;
}

/* Copy what the caller said, with what its placeholders stand for. */
static void take_words(seam_process *child)
{
    struct seam_spawn_options *options = &child->options;
    struct arena *arena = &child->t->arena;

    for (int i = 0; i < SEAM_SPAWN_ARGUMENTS && options->argv[i]; i++)
        child->argv[i] = spawn_expand(child, options->argv[i]);
    for (int i = 0; i < SEAM_SPAWN_VARIABLES && options->env[i]; i++)
        options->env[i] = spawn_expand(child, options->env[i]);
    if (options->stdin_text)
        options->stdin_text = spawn_expand(child, options->stdin_text);
    if (options->cwd)
        options->cwd = t_source_path(child->t, options->site, options->cwd);
    options->ready_port = arena_dup(arena, options->ready_port);
    options->ready_http = arena_dup(arena, options->ready_http);
    options->ready_line = arena_dup(arena, options->ready_line);
    options->site.file = arena_dup(arena, options->site.file);
    if (options->ready_line)
        spawn_check_pattern(child, options->site, options->ready_line);
}

seam_process *seam_spawn_at(seam_t *t, const struct seam_spawn_options *options)
{
    struct err err = { "" };
    char **environment;
    seam_process *child;
    const char *path;
    int r;

    refuse_mistakes(t, options);
    child = make(t, options);
    seam_cleanup(t, spawn_release_ports, child);
    take_words(child);
    path = spawn_find_program(child, child->argv[0]);
    environment = spawn_environment(child, path);
    seam_cleanup(t, spawn_release, child); /* its folder and its doubles' answers outlive it */
    r = spawn_start(child, path, environment, &err);
    if (r == 0)
        r = spawn_read(child, &err);
    if (r < 0)
        seam_fatal_at(t, options->site, "%s", err.text);
    spawn_await_ready(child);
    return child;
}

/* ---- what it is */

/* In a child that the test forked nothing of it is there. */
static void refuse_forked(seam_process *child, seam_site at)
{
    if (child->owner != getpid())
        seam_fatal_at(child->t, at, "'%s' belongs to the process that spawned it", child->name);
}

pid_t seam_process_pid(const seam_process *child)
{
    return child->pid;
}

int seam_process_port(const seam_process *child, const char *name)
{
    const struct spawn_port *port = spawn_find_port(child, name);

    if (!port)
        seam_fatal_at(child->t, child->options.site, "'%s' has no {port:%s}", child->name,
                      name);
    return port->port;
}

const char *seam_process_dir(const seam_process *child)
{
    if (!child->dir)
        ((seam_process *)child)->dir = t_make_folder(child->t, child->options.site, NULL);
    return child->dir;
}

const char *seam_process_url(const seam_process *child, const char *port_name, const char *path)
{
    return arena_printf(&child->t->arena, "http://127.0.0.1:%d%s",
                        seam_process_port(child, port_name), path);
}

const char *seam_process_output(seam_process *child)
{
    uint64_t at;
    size_t size;

    return spawn_output(child, 0, &at, &size);
}

/* ---- talking to it */

const char *seam_process_line_at(seam_process *child, seam_site at, const char *pattern,
                                 int within_ms)
{
    struct spawn_limit limit;
    enum spawn_wait wait;
    const char *line;

    refuse_forked(child, at);
    spawn_check_pattern(child, at, pattern);
    limit = spawn_limit(child, within_ms);
    line = spawn_await_line(child, &limit, pattern, &wait);
    if (wait == SPAWN_ENDED)
        seam_fatal_at(child->t, at, "'%s' %s, and no line of its output matches /%s/%s",
                      child->name, spawn_how(child, spawn_end_of(child)), pattern,
                      spawn_tail(child));
    if (wait == SPAWN_LATE)
        seam_fatal_at(child->t, at,
                      "'%s' wrote no line that matches /%s/ %s%s\n"
                      "try: have it flush: stdio keeps back what goes to a pipe",
                      child->name, pattern, spawn_late_words(child, &limit), spawn_tail(child));
    return line;
}

/* write() to a pipe that nobody reads would end the test by SIGPIPE: it is blocked for this thread, and taken
 * back. */
static ssize_t write_quietly(int fd, const void *data, size_t size)
{
    const struct timespec none = { 0 };
    sigset_t pipe_signal, before, pending;
    bool was_pending;
    int error;
    ssize_t n;

    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigpending(&pending);
    was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    n = write(fd, data, size);
    error = errno;
    if (n < 0 && error == EPIPE && !was_pending)
        while (sigtimedwait(&pipe_signal, NULL, &none) < 0 && errno == EINTR)
            ;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return n;
}

void seam_process_write_at(seam_process *child, seam_site at, const void *data, size_t size)
{
    struct spawn_limit limit;
    size_t written = 0;

    refuse_forked(child, at);
    if (child->input < 0)
        seam_fatal_at(child->t, at,
                      "'%s' has no input to write to: .stdin_pipe is not set, or "
                      "its end was given",
                      child->name);
    limit = spawn_limit(child, 0);
    while (written < size) {
        ssize_t n = write_quietly(child->input, (const char *)data + written, size - written);

        if (n > 0)
            written += (size_t)n;
        else if (n < 0 && errno != EAGAIN && errno != EINTR)
            seam_fatal_at(child->t, at,
                          "'%s' reads no more of its input: %zu of %zu bytes were "
                          "written%s",
                          child->name, written, size, spawn_tail(child));
        else if (spawn_is_late(&limit))
            seam_fatal_at(child->t, at,
                          "'%s' did not read its input %s: %zu of %zu bytes were "
                          "written%s",
                          child->name, spawn_late_words(child, &limit), written, size,
                          spawn_tail(child));
        else
            spawn_pause(child, &limit, child->input, POLLOUT, -1);
    }
}

void seam_process_close_stdin(seam_process *child)
{
    if (child->input >= 0 && child->owner == getpid())
        t_private_close(child->input);
    child->input = -1;
}

/* ---- its end */

void seam_process_signal_at(seam_process *child, seam_site at, int number)
{
    refuse_forked(child, at);
    if (number <= 0 || number >= NSIG)
        seam_fatal_at(child->t, at, "there is no signal %d", number);
    if (spawn_has_ended(child)) {
        child->told = true;
        seam_fatal_at(child->t, at, "'%s' gets no signal any more: it %s%s", child->name,
                      spawn_how(child, spawn_end_of(child)), spawn_tail(child));
    }
    spawn_signal(child, number);
}

static bool never(seam_process *child, void *arg)
{
    (void)child;
    (void)arg;
    return false;
}

static int status_at(seam_process *child, seam_site at)
{
    struct spawn_end end = spawn_end_of(child);

    child->awaited = true;
    if (end.lost)
        seam_fatal_at(child->t, at,
                      "'%s' %s\ntry: waitpid(PID) instead of wait() or waitpid(-1) "
                      "in the test's process",
                      child->name, spawn_how(child, end));
    spawn_judge(child, at, false);
    return spawn_status(end);
}

int seam_process_wait_at(seam_process *child, seam_site at, int within_ms)
{
    struct spawn_limit limit;

    refuse_forked(child, at);
    limit = spawn_limit(child, within_ms);
    if (spawn_await(child, &limit, never, NULL) == SPAWN_LATE)
        seam_fatal_at(child->t, at, "'%s' did not end %s%s", child->name,
                      spawn_late_words(child, &limit), spawn_tail(child));
    return status_at(child, at);
}

int seam_process_stop_at(seam_process *child, seam_site at)
{
    refuse_forked(child, at);
    spawn_stop(child);
    if (!spawn_end_of(child).ended)
        seam_fatal_at(child->t, at, "'%s' does not end, not even by SIGKILL", child->name);
    return status_at(child, at);
}
