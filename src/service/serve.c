/* service/serve.c - the keeper's conversations; see serve.h. */

#include "service/serve.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "base/proc.h"
#include "service/modules/daemon.h"

enum { HELLO_MAX_MS = 10000, LOG_MAX = 8 << 20 };

static const struct module *const modules[] = { &postgres_module,  &rabbitmq_module,
                                                &redis_module,     &process_module,
                                                &container_module, &network_module,
                                                &kafka_module };

/* Nobody finds this keeper any more: a run that looks for its session's starts one of its own. */
static void hide(const struct keeper *keeper)
{
    char path[sizeof keeper->dirs.memory + 16];

    snprintf(path, sizeof path, "%s/keeper", keeper->dirs.memory);
    unlink(path);
}

/* A time to live begins again when a runner or a lease ends, not when somebody has asked a question. */
static void touch(struct keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    keeper->last_ns = now_ns();
    pthread_mutex_unlock(&keeper->lock);
}

void serve_end(struct keeper *keeper)
{
    const pid_t self = getpid();
    pthread_t prune;
    bool prunes;

    hide(keeper);
    child_close();
    daemon_close();
    prunes = daemon_prune_begin(&prune); /* beside the rest: a daemon takes seconds for many */
    pthread_mutex_lock(&keeper->lock);
    for (struct service *service = keeper->services; service; service = service->next)
        service->end(service);
    clean_run(&keeper->dirs, &self, 1, NULL); /* with the lock: nobody adds a service now */
    if (prunes)
        pthread_join(prune, NULL);
    _exit(0);
}

/* ---- leases ----------------------------------------------------------------------------- */

/* Send the answer to one request, whose fields are in `reply`. */
static int answer(int fd, int result, struct buf *reply, size_t begin)
{
    if (reply->failed) {
        buf_clear(reply);
        begin = message_begin(reply);
        message_add_text(reply, "error", "the answer is too long");
    } else if (result == 0)
        message_add_int(reply, "ok", 1);
    else if (reply->size == begin + 4)
        message_add_text(reply, "error", strerror(-result));
    message_end(reply, begin);
    return message_send(fd, reply);
}

/* End what the lease has. Under -keep a test that did not pass has it held: `ret` is how to look at it. */
static void end_lease(struct lease *lease, bool passed, struct buf *ret)
{
    struct keeper *keeper = lease->keeper;
    bool keep = keeper->keep && !passed;

    lease->module->end(lease, keep, ret);
    lease->state = NULL;
    if (keep) {
        pthread_mutex_lock(&keeper->lock);
        keeper->held++;
        pthread_mutex_unlock(&keeper->lock);
    }
}

/* Answer one request of a lease. Returns whether there will be more. */
static bool serve_verb(struct lease *lease, int fd, const struct message *request)
{
    struct buf reply = BUF_INIT(REPLY_MAX), kept = BUF_INIT(4096);
    char *verb = message_text(request, "verb");
    size_t begin = message_begin(&reply);
    int r = verb ? 0 : -EPROTO;

    if (verb && strcmp(verb, "release") == 0)
        end_lease(lease, true, &kept);
    else if (verb && strcmp(verb, "failed") == 0) {
        end_lease(lease, false, &kept);
        message_add_text(&reply, "kept", buf_text(&kept));
        answer(fd, 0, &reply, begin);
    } else {
        if (verb)
            r = lease->module->verb(lease, verb, request, &reply);
        r = answer(fd, r, &reply, begin);
    }
    buf_fini(&reply);
    buf_fini(&kept);
    free(verb);
    return r == 0 && lease->state;
}

/* Serve a lease until its test says how it ended or is gone. */
static void serve_verbs(struct lease *lease, int fd)
{
    struct buf frame = BUF_INIT(MESSAGE_MAX), kept = BUF_INIT(4096);
    struct message request;
    bool more = true;

    while (more && message_receive(fd, &frame, 0, &request) == 0)
        more = serve_verb(lease, fd, &request);
    if (lease->state) {
        end_lease(lease, false, &kept);
        if (kept.size > 0)
            keeper_note(lease->keeper, "kept for '%s' until 'seam services down': %s",
                        lease->test, buf_text(&kept));
    }
    buf_fini(&frame);
    buf_fini(&kept);
}

static void serve_lease(struct keeper *keeper, int fd, const struct module *module,
                        const struct message *request)
{
    struct lease lease = { .keeper = keeper,
                           .module = module,
                           .test = message_text(request, "test") };
    struct buf reply = BUF_INIT(REPLY_MAX);
    size_t begin = message_begin(&reply);
    int r = lease.test ? module->start(&lease, request, &reply) : -EPROTO;

    answer(fd, r, &reply, begin); /* a client that is gone is noticed by what follows */
    if (r == 0)
        serve_verbs(&lease, fd);
    touch(keeper);
    buf_fini(&reply);
    free(lease.test);
}

/* ---- runners ---------------------------------------------------------------------------- */

static bool add_runner(struct keeper *keeper, int fd)
{
    bool added = false;

    pthread_mutex_lock(&keeper->lock);
    for (int i = 0; i < KEEPER_RUNNERS && !added; i++)
        if (keeper->runners[i] < 0) {
            keeper->runners[i] = fd;
            added = true;
        }
    pthread_mutex_unlock(&keeper->lock);
    return added;
}

/* Forget a runner. Returns how many are left. */
static int remove_runner(struct keeper *keeper, int fd)
{
    int left = 0;

    pthread_mutex_lock(&keeper->lock);
    for (int i = 0; i < KEEPER_RUNNERS; i++) {
        if (keeper->runners[i] == fd)
            keeper->runners[i] = -1;
        left += keeper->runners[i] >= 0;
    }
    pthread_mutex_unlock(&keeper->lock);
    return left;
}

/* A path that a runner names must be a folder of its own run. */
static bool is_folder_of(const char *path, const char *run)
{
    const char *name = path ? strrchr(path, '/') : NULL;

    return name && strncmp(name, "/seam-", 6) == 0 && strcmp(name + 6, run) == 0 &&
           strlen(path) < CLEAN_PATH_MAX;
}

/* The folders of the run of a runner that is not our first. */
static bool read_dirs(const struct message *hello, struct clean_dirs *ret)
{
    char *run = message_text(hello, "run");
    char *disk = message_text(hello, "disk"), *memory = message_text(hello, "memory");
    bool sound = run && strlen(run) == CLEAN_RUN_SIZE && is_folder_of(disk, run) &&
                 is_folder_of(memory, run);

    *ret = CLEAN_DIRS_NONE;
    if (sound) {
        snprintf(ret->run, sizeof ret->run, "%s", run);
        snprintf(ret->disk, sizeof ret->disk, "%s", disk);
        snprintf(ret->memory, sizeof ret->memory, "%s", memory);
    }
    free(run);
    free(disk);
    free(memory);
    return sound;
}

/* End what a vanished runner's tests have left, but no service: other runners use them. */
static void end_tests(const struct keeper *keeper)
{
    char marker[CLEAN_RUN_SIZE + 2];
    struct proc_match match = { .marker = marker,
                                .spare = CLEAN_SERVICES,
                                .except = { getpid() } };

    snprintf(marker, sizeof marker, "%s.", keeper->dirs.run);
    proc_kill(&match);
}

/* Listen to a runner until it is gone. Returns whether it said bye. */
static bool listen_to_runner(int fd)
{
    struct buf frame = BUF_INIT(MESSAGE_MAX);
    struct message message;
    bool bye = false;

    while (message_receive(fd, &frame, 0, &message) == 0)
        bye = bye || message_int(&message, "bye", 0) != 0;
    buf_fini(&frame);
    return bye;
}

/* `dirs` are those of another run than the keeper's; NULL for the keeper's own runner. */
static void serve_runner(struct keeper *keeper, int fd, const struct clean_dirs *dirs)
{
    bool bye = listen_to_runner(fd);
    int left = remove_runner(keeper, fd);

    touch(keeper);
    if (bye)
        return;
    if (dirs)
        clean_run(dirs, NULL, 0, NULL);
    else if (left > 0)
        end_tests(keeper);
    else
        serve_end(keeper);
}

/* ---- what `seam services` asks ---------------------------------------------------------- */

static void list_services(struct keeper *keeper, struct buf *reply)
{
    pthread_mutex_lock(&keeper->lock);
    for (struct service *service = keeper->services; service; service = service->next) {
        message_add_text(reply, "name", service->name);
        message_add_text(reply, "version", service->version);
        message_add_text(reply, "tier", service->tier ? service->tier : "native");
        message_add_int(reply, "pid", service->pid);
        message_add_int(reply, "leases", service->leases);
        message_add_text(reply, "folder", service->folder);
        message_add_int(reply, "uptime_ms",
                        (int64_t)((now_ns() - service->since_ns) / 1000000));
    }
    pthread_mutex_unlock(&keeper->lock);
}

/* Whether "postgres" or "postgres-1" means this service. */
static bool is_named(const struct service *service, const char *name)
{
    return strcmp(service->name, name) == 0 || strcmp(service->kind, name) == 0;
}

static int show_log(struct keeper *keeper, const struct message *request, struct buf *reply)
{
    struct buf text = BUF_INIT(LOG_MAX);
    char *name = message_text(request, "name");
    int lines = (int)message_int(request, "lines", 0);
    bool found = false;

    pthread_mutex_lock(&keeper->lock);
    for (struct service *service = keeper->services; service && !found; service = service->next)
        if (name && is_named(service, name)) {
            found = true;
            child_log_tail(service->log, lines, "", &text);
        }
    pthread_mutex_unlock(&keeper->lock);
    if (found)
        message_add_text(reply, "log", buf_text(&text));
    else
        keeper_error(reply, "no service is named '%s'", name ? name : "");
    buf_fini(&text);
    free(name);
    return found ? 0 : -ECANCELED;
}

/* Whether a run goes on that uses this keeper. A runner says nothing until its end, so one whose socket has
 * something to read is over, whether its own thread has heard it or not. */
static bool has_runner(struct keeper *keeper)
{
    bool found = false;

    pthread_mutex_lock(&keeper->lock);
    for (int i = 0; i < KEEPER_RUNNERS && !found; i++) {
        struct pollfd said = { .fd = keeper->runners[i], .events = POLLIN | POLLRDHUP };

        found = keeper->runners[i] >= 0 && poll(&said, 1, 0) == 0;
    }
    pthread_mutex_unlock(&keeper->lock);
    return found;
}

/* The tests of a run end with its keeper, so it is left alone while that goes on, unless it is named. */
static bool may_end(struct keeper *keeper, const struct message *request)
{
    char *run = message_text(request, "name");
    bool may = run ? strcmp(run, keeper->dirs.run) == 0 : !has_runner(keeper);

    free(run);
    return may;
}

/* Answer what is neither a lease nor a runner. */
static void serve_question(struct keeper *keeper, int fd, const char *verb,
                           const struct message *request)
{
    struct buf reply = BUF_INIT(REPLY_MAX);
    size_t begin = message_begin(&reply);
    bool down = strcmp(verb, "services.down") == 0;
    int r = 0;

    if (strcmp(verb, "services.list") == 0)
        list_services(keeper, &reply);
    else if (strcmp(verb, "services.logs") == 0)
        r = show_log(keeper, request, &reply);
    else if (!down)
        r = keeper_error(&reply, "the keeper does not know '%s'", verb);
    if (down && !may_end(keeper, request)) {
        message_add_int(&reply, "goes_on", 1);
        down = false;
    }
    if (down)
        hide(keeper); /* who hears the answer may start the next run at once */
    answer(fd, r, &reply, begin);
    buf_fini(&reply);
    if (down)
        serve_end(keeper);
}

/* ---- connections ------------------------------------------------------------------------ */

static void serve_hello(struct keeper *keeper, int fd, const struct message *hello)
{
    char *verb = message_text(hello, "verb");
    struct clean_dirs dirs;

    if (!verb)
        return;
    if (strcmp(verb, "runner") == 0) {
        if (read_dirs(hello, &dirs) && add_runner(keeper, fd))
            serve_runner(keeper, fd, &dirs);
        free(verb);
        return;
    }
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
        if (strcmp(verb, modules[i]->start_verb) == 0) {
            serve_lease(keeper, fd, modules[i], hello);
            free(verb);
            return;
        }
    serve_question(keeper, fd, verb, hello);
    free(verb);
}

/* Only processes of our own user, or root's. */
static bool is_trusted(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

/* The main thread ends the keeper when nobody is left for long enough. */
static void count(struct keeper *keeper, int change)
{
    pthread_mutex_lock(&keeper->lock);
    keeper->connections += change;
    pthread_mutex_unlock(&keeper->lock);
    eventfd_write(keeper->wake, 1);
}

/* Serve one connection to its end. */
static void serve(struct keeper *keeper, int fd)
{
    struct buf frame = BUF_INIT(MESSAGE_MAX);
    struct message hello;

    count(keeper, 1);
    if (is_trusted(fd) &&
        message_receive(fd, &frame, deadline_after_ms(HELLO_MAX_MS), &hello) == 0)
        serve_hello(keeper, fd, &hello);
    buf_fini(&frame);
    close(fd);
    count(keeper, -1);
}

static bool start_thread(void *(*run)(void *arg), struct keeper *keeper)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, run, keeper) != 0)
        return false;
    pthread_detach(thread);
    return true;
}

/* Take the next connection, leave the one after it to another thread, and serve. A test waits for each
 * thread that must wake up before it is answered, so none stands between. */
static void *take_connection(void *arg)
{
    struct keeper *keeper = arg;
    bool last;

    do {
        int fd = accept4(keeper->listener, NULL, NULL, SOCK_CLOEXEC);

        last = start_thread(take_connection, keeper);
        if (fd >= 0)
            serve(keeper, fd);
    } while (!last);
    return NULL;
}

static void *serve_first_runner(void *arg)
{
    struct keeper *keeper = arg;

    serve_runner(keeper, keeper->first_runner, NULL);
    close(keeper->first_runner);
    count(keeper, -1);
    return NULL;
}

bool serve_begin(struct keeper *keeper)
{
    add_runner(keeper, keeper->first_runner);
    count(keeper, 1);
    return start_thread(serve_first_runner, keeper) && start_thread(take_connection, keeper);
}
