/* service/modules/process.c - a program of this machine as a server; see server.h. */

#include "service/modules/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "base/proc.h"
#include "service/port.h"

enum { DATA_ROOM = 64 << 20, STOP_MS = 10000, TEXT_MAX = 16 << 20, SIGNALLED = 128 };

static struct process *process_of(void *server)
{
    return server;
}

/* ---- what it is started with ------------------------------------------------------------ */

static const char *replaced(struct process *process, const char *text)
{
    struct buf result = BUF_INIT(TEXT_MAX);
    const char *copy;

    placeholder_replace(text, strlen(text), &process->named, process->folder, &result);
    copy = arena_dup(&process->server.request->arena, buf_text(&result));
    buf_fini(&result);
    return copy;
}

static const char **replaced_list(struct process *process, const char *const *list,
                                  size_t extra)
{
    size_t count = 0;
    const char **copy;

    while (list[count])
        count++;
    copy = arena_zero(&process->server.request->arena, (count + extra + 1) * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = replaced(process, list[i]);
    return copy;
}

/* In PATH, and where the distribution has servers; a name with a slash is a path. */
static int find_program(const char *name, char *ret, size_t size)
{
    const char *path = getenv("PATH");
    char folders[8192];

    if (strchr(name, '/')) {
        snprintf(ret, size, "%s", name);
        return access(ret, X_OK) < 0 ? -errno : 0;
    }
    snprintf(folders, sizeof folders, "%s:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin",
             path ? path : "");
    for (const char *at = folders; *at; at += *at == ':') {
        int length = (int)strcspn(at, ":");

        snprintf(ret, size, "%.*s/%s", length, at, name);
        if (ret[0] == '/' && access(ret, X_OK) == 0)
            return 0;
        at += length;
    }
    return -ENOENT;
}

static int find(struct process *process, struct server_trouble *trouble)
{
    const char *name = process->server.request->argv[0];
    int r = find_program(name, process->program, sizeof process->program);

    if (r == 0)
        return 0;
    if (strchr(name, '/'))
        return server_fail(trouble, r, "cannot start '%s': %s", name, strerror(-r));
    trouble->is_missing = true;
    trouble->remedy = "install it, or put its folder into PATH";
    return server_fail(trouble, r, "needs the program '%s', which is not on this machine",
                       name);
}

static int find_user(struct process *process, struct server_trouble *trouble)
{
    const char *name = process->server.request->user;
    struct passwd room, *found = NULL;
    char words[4096];

    if (!name)
        return 0;
    getpwnam_r(name, &room, words, sizeof words, &found);
    if (!found)
        return server_fail(trouble, -ENOENT, "there is no user '%s'", name);
    if (found->pw_uid == geteuid())
        return 0;
    if (geteuid() != 0)
        return server_fail(trouble, -EPERM, "only root can start it as the user '%s'", name);
    process->user = (struct child_user){ found->pw_uid, found->pw_gid };
    process->has_user = true;
    return 0;
}

/* ---- ports ------------------------------------------------------------------------------ */

static int collect(struct process *process, struct err *err)
{
    const struct request *request = process->server.request;
    struct placeholder_ports *named = &process->named;
    int r = 0;

    named->count = 0;
    for (size_t i = 0; r == 0 && request->argv[i]; i++)
        r = placeholder_collect(request->argv[i], strlen(request->argv[i]), named, err);
    for (size_t i = 0; r == 0 && request->env[i]; i++)
        r = placeholder_collect(request->env[i], strlen(request->env[i]), named, err);
    for (size_t i = 0; r == 0 && i < request->file_count; i++)
        if (request->files[i].is_text)
            r = placeholder_collect(request->files[i].data, request->files[i].size, named, err);
    return r;
}

static int reserve(struct process *process, struct server_trouble *trouble)
{
    struct server *server = &process->server;
    struct err err = { "" };
    int r = collect(process, &err);

    if (r < 0)
        return server_fail(trouble, r, "%s", err.text);
    server->port_count = process->named.count;
    for (size_t i = 0; i < server->port_count; i++) {
        int port = port_reserve();

        if (port < 0)
            return server_fail(trouble, port, "cannot reserve a port of 127.0.0.1: %s",
                               strerror(-port));
        process->named.numbers[i] = port;
        server->ports[i].number = (int)i + 1;
        server->ports[i].reached = port;
        memcpy(server->ports[i].name, process->named.names[i], sizeof server->ports[i].name);
    }
    return 0;
}

/* ---- its folder and files --------------------------------------------------------------- */

/* Where a path of the test's lies: below its folder, whatever it begins with. */
static int place(const struct process *process, const char *path, char *ret, size_t size,
                 struct err *err)
{
    size_t folder = strlen(process->folder);

    if (strncmp(path, process->folder, folder) == 0 && path[folder] == '/')
        path += folder;
    while (*path == '/')
        path++;
    if (*path == '\0' || strstr(path, "../") || strcmp(path, "..") == 0)
        return err_set(err, -EINVAL, "'%s' is no path of a file below {dir}", path);
    if (snprintf(ret, size, "%s/%s", process->folder, path) >= (int)size)
        return err_set(err, -ENAMETOOLONG, "the path '%.80s...' is too long", path);
    return 0;
}

static int write_file(struct process *process, const char *path, const void *data, size_t size,
                      int mode, struct err *err)
{
    char full[4096], folder[4096];
    int fd, r = place(process, path, full, sizeof full, err);

    if (r < 0)
        return r;
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(full, '/') - full), full);
    r = io_make_folders(folder, 0755);
    fd = r < 0 ? -1 : open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (r == 0 && fd < 0)
        r = -errno;
    if (r == 0)
        r = io_write_all(fd, data, size);
    if (r == 0 && fchmod(fd, (mode_t)mode) < 0)
        r = -errno;
    if (r == 0 && process->has_user && fchown(fd, process->user.uid, process->user.gid) < 0)
        r = -errno;
    io_close(&fd);
    return r < 0 ? err_system(err, r, "cannot write '%s'", full) : 0;
}

static int write_text(struct process *process, const struct request_file *file, struct err *err)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    int mode = file->mode ? file->mode : 0644;
    const char *path = replaced(process, file->path);
    int r;

    if (file->is_text)
        placeholder_replace(file->data, file->size, &process->named, process->folder, &text);
    else
        buf_add(&text, file->data, file->size);
    r = text.failed ? err_set(err, -ENOBUFS, "the file '%s' is too large", file->path)
                    : write_file(process, path, buf_text(&text), text.size, mode, err);
    buf_fini(&text);
    return r;
}

/* A file or folder of this machine: `cp` knows all that there is to know. */
static int copy_tree(struct process *process, const struct request_file *file, struct err *err)
{
    char full[4096], folder[4096], mode[16];
    const char *argv[] = { "/bin/cp", "-RL", "--", file->from, full, NULL };
    const char *change[] = { "/bin/chmod", "-R", mode, "--", full, NULL };
    struct child_spec spec = { .argv = argv,
                               .marker = process->marker,
                               .folder = "/",
                               .log = process->server.service.log,
                               .death_signal = SIGKILL };
    int r = place(process, replaced(process, file->path), full, sizeof full, err);

    if (r < 0)
        return r;
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(full, '/') - full), full);
    snprintf(mode, sizeof mode, "%o", (unsigned)file->mode);
    r = io_make_folders(folder, 0755);
    if (r < 0)
        return err_system(err, r, "cannot make '%s'", folder);
    r = child_run(&spec, 0, err);
    if (r == 0 && file->mode) {
        spec.argv = change;
        r = child_run(&spec, 0, err);
    }
    return r;
}

static int give_folder(struct process *process, struct err *err)
{
    char owner[64];
    const char *argv[] = { "/bin/chown", "-R", owner, "--", process->folder, NULL };
    struct child_spec spec = { .argv = argv,
                               .marker = process->marker,
                               .folder = "/",
                               .log = process->server.service.log,
                               .death_signal = SIGKILL };

    snprintf(owner, sizeof owner, "%u:%u", (unsigned)process->user.uid,
             (unsigned)process->user.gid);
    if (chmod(process->server.service.folder, 0711) < 0)
        return err_system(err, -errno, "cannot open '%s'", process->server.service.folder);
    return child_run(&spec, 0, err);
}

static int prepare(struct process *process, struct server_trouble *trouble)
{
    struct server *server = &process->server;
    const struct request *request = server->request;
    struct err err = { "" };
    bool on_tmpfs;
    int r;

    server_name(request->argv[0], server->key, sizeof server->key);
    r = keeper_prepare(server->keeper, &server->service, server->key, DATA_ROOM, &on_tmpfs,
                       &err);
    keeper_marker(server->keeper, &server->service, process->marker, sizeof process->marker);
    snprintf(process->folder, sizeof process->folder, "%s/dir", server->service.folder);
    if (r == 0 && mkdir(process->folder, 0700) < 0)
        r = err_system(&err, -errno, "cannot make '%s'", process->folder);
    for (size_t i = 0; r == 0 && i < request->file_count; i++)
        r = request->files[i].from ? copy_tree(process, &request->files[i], &err)
                                   : write_text(process, &request->files[i], &err);
    if (r == 0 && process->has_user)
        r = give_folder(process, &err);
    return r < 0 ? server_fail(trouble, r, "%s", err.text) : 0;
}

/* ---- its process ------------------------------------------------------------------------ */

static const char **environment(struct process *process)
{
    const struct request *request = process->server.request;
    const char **env = replaced_list(process, request->env, 1);
    size_t count = 0;

    for (; env[count]; count++)
        if (strncmp(env[count], "HOME=", 5) == 0)
            return env;
    env[count] = arena_printf(&process->server.request->arena, "HOME=%s", process->folder);
    return env;
}

static int execute(struct process *process, struct err *err)
{
    struct server *server = &process->server;
    const char **argv = replaced_list(process, server->request->argv, 0);
    const char *workdir = server->request->workdir;
    struct child_spec spec = { .argv = argv,
                               .env = process->env = environment(process),
                               .marker = process->marker,
                               .folder = workdir ? replaced(process, workdir) : process->folder,
                               .log = server->service.log,
                               .death_signal = SIGKILL,
                               .user = process->has_user ? &process->user : NULL };
    int r;

    argv[0] = process->program;
    process->status = -1;
    process->workdir = spec.folder;
    r = child_start(&spec, &process->child, err);
    server->service.pid = process->child.pid;
    server->ended_fd = process->child.fd;
    snprintf(server->id, sizeof server->id, "%d", (int)process->child.pid);
    return r;
}

/* Reap it if it has ended. */
static void notice_end(struct process *process)
{
    int status;

    pthread_mutex_lock(&process->lock);
    if (process->child.pid > 0 && child_wait(&process->child, now_ns(), &status) == 0) {
        process->status =
            WIFSIGNALED(status) ? SIGNALLED + WTERMSIG(status) : WEXITSTATUS(status);
        process->server.ended_fd = -1;
        process->server.service.pid = 0;
    }
    pthread_mutex_unlock(&process->lock);
}

/* ---- what is asked while it becomes ready ----------------------------------------------- */

static int call_address(void *of, int number, bool inside, struct buf *host, int *ret_port)
{
    struct server_port *port = server_port(of, number);

    (void)inside;
    if (!port)
        return -ENOENT;
    buf_add_text(host, "127.0.0.1");
    *ret_port = port->reached;
    return 0;
}

static int process_exec(struct server *server, const struct server_exec *exec, int *ret_status,
                        struct buf *ret_out, struct buf *ret_err, struct err *err);

static int call_exec(void *of, const char *const *argv, int timeout_ms, int *ret_status,
                     struct err *err)
{
    struct server_exec exec = { .argv = argv, .timeout_ms = timeout_ms };
    struct buf out = BUF_INIT(1 << 20), errors = BUF_INIT(1 << 20);
    int r = process_exec(of, &exec, ret_status, &out, &errors, err);

    buf_fini(&out);
    buf_fini(&errors);
    return r;
}

static int call_file(void *of, const char *path)
{
    struct process *process = of;
    const char *text = replaced(process, path);
    char full[4096];

    if (text[0] != '/')
        snprintf(full, sizeof full, "%s/%s", process->folder, text);
    else
        snprintf(full, sizeof full, "%s", text);
    return access(full, F_OK) < 0 ? -errno : 0;
}

static int call_state(void *of, bool with_health, int *ret_status, const char **ret_health)
{
    struct process *process = of;

    (void)with_health;
    notice_end(process);
    *ret_health = NULL;
    *ret_status = process->status;
    return process->child.pid > 0;
}

static int await(struct process *process, uint64_t deadline_ns, struct server_trouble *trouble)
{
    struct wait_server calls = {
        .address = call_address, .exec = call_exec, .file = call_file, .state = call_state
    };

    return server_await(&process->server, &calls, deadline_ns, trouble);
}

/* ---- the kind --------------------------------------------------------------------------- */

static bool lost_its_port(const struct process *process)
{
    return process->server.port_count > 0 && process->child.pid <= 0 &&
           io_file_has(process->server.service.log, "ddress already in use", 1 << 20);
}

static int process_start(struct server *server, uint64_t deadline_ns,
                         struct server_trouble *trouble)
{
    struct process *process = process_of(server);
    struct err err = { "" };
    int r;

    process->child = CHILD_NONE;
    pthread_mutex_init(&process->lock, NULL);
    process->is_made = true;
    snprintf(server->host, sizeof server->host, "127.0.0.1");
    if (!server->request->argv[0])
        return server_fail(trouble, -EINVAL, "a process needs .argv, its program");
    r = find(process, trouble);
    if (r == 0)
        r = find_user(process, trouble);
    if (r == 0)
        r = reserve(process, trouble);
    if (r == 0)
        r = prepare(process, trouble);
    if (r < 0)
        return r;
    r = execute(process, &err);
    if (r < 0)
        return server_fail(trouble, r, "%s", err.text);
    wait_step(&server->steps, server->begun_ns, "process %d runs", (int)process->child.pid);
    r = await(process, deadline_ns, trouble);
    trouble->try_again = r < 0 && lost_its_port(process);
    return r;
}

static bool process_is_alive(struct server *server)
{
    struct process *process = process_of(server);

    notice_end(process);
    return process->child.pid > 0 || server->request->wait.kind == WAIT_EXIT;
}

static void process_end(struct server *server)
{
    child_signal(&process_of(server)->child, SIGKILL);
}

/* What it has started goes with it. */
static void process_finish(struct server *server)
{
    struct process *process = process_of(server);

    if (!process->is_made)
        return;
    pthread_mutex_lock(&process->lock);
    child_end(&process->child, SIGKILL, 0);
    server->ended_fd = -1;
    pthread_mutex_unlock(&process->lock);
    if (process->marker[0])
        proc_kill_marked(process->marker, NULL, 0);
    pthread_mutex_destroy(&process->lock);
}

/* A file without a name. */
static int unnamed_file(const struct process *process, const void *data, size_t size)
{
    int fd = open(process->server.service.folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0 && size > 0 && io_write_all(fd, data, size) < 0)
        io_close(&fd);
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

static void read_whole(int fd, struct buf *ret)
{
    off_t size = lseek(fd, 0, SEEK_END);
    size_t take = (size_t)size < ret->cap ? (size_t)size : ret->cap;
    char *to = take > 0 ? buf_reserve(ret, take) : NULL;
    ssize_t n = to ? pread(fd, to, take, 0) : 0;

    if (n > 0) {
        ret->size += (size_t)n;
        ret->data[ret->size] = '\0';
    }
}

static int run_command(struct process *process, struct child_spec *spec, int timeout_ms,
                       int *ret_status, struct err *err)
{
    struct child child = CHILD_NONE;
    int status = 0;
    int r = child_start(spec, &child, err);

    (void)process;
    if (r < 0)
        return r;
    r = child_wait(&child, deadline_after_ms(timeout_ms > 0 ? timeout_ms : 1), &status);
    if (r < 0) {
        child_end(&child, SIGKILL, 0);
        return err_set(err, -ETIMEDOUT, "'%s' did not end within %d ms", spec->argv[0],
                       timeout_ms);
    }
    *ret_status = WIFSIGNALED(status) ? SIGNALLED + WTERMSIG(status) : WEXITSTATUS(status);
    return 0;
}

static int process_exec(struct server *server, const struct server_exec *exec, int *ret_status,
                        struct buf *ret_out, struct buf *ret_err, struct err *err)
{
    struct process *process = process_of(server);
    const char *const *own = exec->env && exec->env[0] ? exec->env : NULL;
    char program[4096];
    const char *argv[256] = { program };
    struct child_spec spec = {
        .argv = argv,
        .env = own ? own : process->env,
        .marker = process->marker,
        .folder = exec->workdir ? exec->workdir : process->workdir,
        .log = server->service.log,
        .death_signal = SIGKILL,
        .user = process->has_user ? &process->user : NULL,
        .input = unnamed_file(process, exec->input, exec->input_size),
        .output = unnamed_file(process, NULL, 0),
        .error = unnamed_file(process, NULL, 0),
    };
    int r = find_program(exec->argv[0], program, sizeof program);

    for (size_t i = 1; i < 255 && exec->argv[i]; i++)
        argv[i] = exec->argv[i];
    if (r < 0)
        err_set(err, r, "there is no program '%s'", exec->argv[0]);
    else if (spec.input < 0 || spec.output < 0 || spec.error < 0)
        r = err_system(err, -errno, "cannot make a file in '%s'", server->service.folder);
    else
        r = run_command(process, &spec, exec->timeout_ms, ret_status, err);
    if (r == 0) {
        read_whole(spec.output, ret_out);
        read_whole(spec.error, ret_err);
    }
    io_close(&spec.input);
    io_close(&spec.output);
    io_close(&spec.error);
    return r;
}

static int process_copy_to(struct server *server, const char *path, const void *data,
                           size_t size, struct err *err)
{
    return write_file(process_of(server), path, data, size, 0644, err);
}

static int process_copy_from(struct server *server, const char *path, struct buf *ret,
                             struct err *err)
{
    char full[4096];
    int r = place(process_of(server), path, full, sizeof full, err);

    if (r == 0)
        r = io_read_file(full, ret);
    return r < 0 ? err_system(err, r, "cannot read '%s'", full) : 0;
}

static int restart(struct process *process, struct err *err)
{
    struct server_trouble trouble = { .story = BUF_INIT(sizeof err->text) };
    int r;

    pthread_mutex_lock(&process->lock);
    child_end(&process->child, SIGTERM, STOP_MS);
    pthread_mutex_unlock(&process->lock);
    process->server.begun_ns = now_ns();
    buf_clear(&process->server.steps);
    r = execute(process, err);
    if (r == 0) {
        server_forget_waiting(&process->server);
        r = await(process, deadline_after_ms(process->server.request->timeout_ms), &trouble);
        if (r < 0)
            err_set(err, r, "%s", buf_text(&trouble.story));
    }
    buf_fini(&trouble.story);
    return r;
}

/* One that has ended has no group: number 0 would be our own. */
static int signal_group(struct process *process, int number, struct err *err)
{
    int r = 0;

    pthread_mutex_lock(&process->lock);
    if (process->child.pid <= 0)
        r = err_set(err, -ECHILD, "'%s' has ended", process->server.request->name);
    else
        killpg(process->child.pid, number);
    pthread_mutex_unlock(&process->lock);
    return r;
}

static int process_control(struct server *server, const char *what, struct err *err)
{
    struct process *process = process_of(server);

    if (strcmp(what, "restart") == 0)
        return restart(process, err);
    if (strcmp(what, "pause") == 0)
        return signal_group(process, SIGSTOP, err);
    if (strcmp(what, "resume") == 0)
        return signal_group(process, SIGCONT, err);
    pthread_mutex_lock(&process->lock);
    child_end(&process->child, strcmp(what, "kill") == 0 ? SIGKILL : SIGTERM, STOP_MS);
    server->ended_fd = -1;
    server->service.pid = 0;
    pthread_mutex_unlock(&process->lock);
    return 0;
}

static void process_describe(struct server *server, struct buf *reply)
{
    message_add_text(reply, "folder", process_of(server)->folder);
}

static void process_look(struct server *server, struct buf *note)
{
    buf_printf(note, "process %d in '%s'", (int)server->service.pid,
               process_of(server)->folder);
    for (size_t i = 0; i < server->port_count; i++)
        buf_printf(note, "%s127.0.0.1:%d", i > 0 ? ", " : ", at ", server->ports[i].reached);
}

const struct server_kind process_kind = {
    .word = "process",
    .size = sizeof(struct process),
    .start = process_start,
    .is_alive = process_is_alive,
    .end = process_end,
    .finish = process_finish,
    .exec = process_exec,
    .copy_to = process_copy_to,
    .copy_from = process_copy_from,
    .control = process_control,
    .describe = process_describe,
    .look = process_look,
};

static int start(struct lease *lease, const struct message *request, struct buf *reply)
{
    return server_start(&process_kind, lease, request, reply);
}

const struct module process_module = {
    .start_verb = "process.start",
    .start = start,
    .verb = server_verb,
    .end = server_end,
};
