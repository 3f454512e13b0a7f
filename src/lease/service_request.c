/* lease/service_request.c - a request is checked and written for the keeper; see service_request.h. */

#include "lease/service_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/message.h"
#include "lease/image_lock.h"
#include "lease/service.h"
#include "test/t.h"

enum { PORT_MAX = 65535, NESTED_MAX = 8 };

struct writer {
    seam_t *t;
    seam_site site;
    const seam_service_request *request;
    bool is_process;
    struct service_functions *functions;
};

/* ---- frames within frames */

static struct buf begin(void)
{
    struct buf frame = BUF_INIT(MESSAGE_MAX);

    message_begin(&frame);
    return frame;
}

static void add_frame(struct buf *to, const char *key, struct buf *frame)
{
    if (frame->failed)
        to->failed = true;
    else
        message_add(to, key, frame->data + 4, frame->size - 4);
    buf_fini(frame);
}

/* ---- conditions */

static bool is_empty(const seam_wait *wait)
{
    return !wait->port && !wait->log && !wait->log_pattern && !wait->http && !wait->exec[0] &&
           !wait->healthy && !wait->exits && !wait->file && !wait->sql && !wait->probe &&
           !wait->fn && !wait->all && !wait->any;
}

static struct buf condition(enum wait_kind kind, const char *text)
{
    struct buf frame = begin();

    message_add_int(&frame, "kind", kind);
    message_add_text(&frame, "text", text);
    return frame;
}

static void check_port(const struct writer *writer, const char *what, int port)
{
    const int *ports = writer->request->ports;

    if (port == 0 || writer->is_process)
        return;
    for (int i = 0; i < SEAM_SERVICE_MAX && ports[i]; i++)
        if (ports[i] == port)
            return;
    seam_fatal_at(writer->t, writer->site, ".wait.%s is %d, which is none of .ports", what,
                  port);
}

static void check_has_port(const struct writer *writer, const char *what)
{
    if (!writer->is_process && !writer->request->ports[0])
        seam_fatal_at(writer->t, writer->site, ".wait.%s needs a port, and .ports has none",
                      what);
}

static void add_log(const seam_wait *wait, struct buf *to)
{
    struct buf part = condition(WAIT_LOG, wait->log_pattern ? wait->log_pattern : wait->log);

    message_add_int(&part, "pattern", wait->log_pattern != NULL);
    message_add_int(&part, "times", wait->log_times > 0 ? wait->log_times : 1);
    add_frame(to, "part", &part);
}

static void add_http(const struct writer *writer, const seam_wait *wait, struct buf *to)
{
    struct buf part = condition(WAIT_HTTP, wait->http);

    check_has_port(writer, "http");
    check_port(writer, "http_port", wait->http_port);
    message_add_int(&part, "port", wait->http_port);
    message_add_int(&part, "status", wait->http_status ? wait->http_status : 200);
    message_add_text(&part, "header", wait->http_header);
    message_add_text(&part, "body", wait->http_body);
    message_add_int(&part, "tls", wait->http_tls);
    add_frame(to, "part", &part);
}

static void add_exec(const seam_wait *wait, struct buf *to)
{
    struct buf part = condition(WAIT_EXEC, NULL);

    for (int i = 0; i < SEAM_SERVICE_MAX && wait->exec[i]; i++)
        message_add_text(&part, "argv", wait->exec[i]);
    add_frame(to, "part", &part);
}

static void add_number(struct buf *to, enum wait_kind kind, const char *text, const char *key,
                       int number)
{
    struct buf part = condition(kind, text);

    message_add_int(&part, key, number);
    add_frame(to, "part", &part);
}

static void add_sql(const struct writer *writer, const seam_wait *wait, struct buf *to)
{
    struct buf part = condition(WAIT_SQL, wait->sql);

    check_has_port(writer, "sql");
    message_add_text(&part, "words", wait->sql_conninfo);
    add_frame(to, "part", &part);
}

static void add_probe(const struct writer *writer, const seam_wait *wait, struct buf *to)
{
    if ((int)wait->probe < 0 || wait->probe > SEAM_PROBE_MQTT)
        seam_fatal_at(writer->t, writer->site, ".wait.probe is %d, which is no probe",
                      (int)wait->probe);
    check_has_port(writer, "probe");
    add_number(to, WAIT_PROBE, NULL, "probe", (int)wait->probe);
}

static void add_function(const struct writer *writer, const seam_wait *wait, bool within_any)
{
    struct service_functions *functions = writer->functions;

    if (within_any)
        seam_fatal_at(writer->t, writer->site,
                      ".fn cannot stand within .any: it is asked when all else holds");
    if (functions->count == SERVICE_FUNCTIONS)
        seam_fatal_at(writer->t, writer->site, "more than %d functions in .wait",
                      SERVICE_FUNCTIONS);
    functions->fn[functions->count] = wait->fn;
    functions->arg[functions->count++] = wait->arg;
}

static void add_conditions(const struct writer *writer, const seam_wait *wait, int depth,
                           bool within_any, struct buf *to);

static void add_list(const struct writer *writer, const seam_wait *list, enum wait_kind kind,
                     int depth, bool within_any, struct buf *to)
{
    struct buf all = condition(kind, NULL);

    if (depth > NESTED_MAX)
        seam_fatal_at(writer->t, writer->site, "conditions may be nested %d deep", NESTED_MAX);
    for (; !is_empty(list); list++) {
        struct buf part = condition(WAIT_ALL, NULL);

        add_conditions(writer, list, depth, within_any || kind == WAIT_ANY, &part);
        add_frame(&all, "part", &part);
    }
    add_frame(to, "part", &all);
}

static void add_conditions(const struct writer *writer, const seam_wait *wait, int depth,
                           bool within_any, struct buf *to)
{
    if (wait->port) {
        check_port(writer, "port", wait->port);
        add_number(to, WAIT_PORT, NULL, "port", wait->port);
    }
    if (wait->log || wait->log_pattern)
        add_log(wait, to);
    if (wait->http)
        add_http(writer, wait, to);
    if (wait->exec[0])
        add_exec(wait, to);
    if (wait->healthy)
        add_number(to, WAIT_HEALTHY, NULL, "status", 0);
    if (wait->exits)
        add_number(to, WAIT_EXIT, NULL, "status", wait->exit_code);
    if (wait->file)
        add_number(to, WAIT_FILE, wait->file, "status", 0);
    if (wait->sql)
        add_sql(writer, wait, to);
    if (wait->probe)
        add_probe(writer, wait, to);
    if (wait->fn)
        add_function(writer, wait, within_any);
    if (wait->all)
        add_list(writer, wait->all, WAIT_ALL, depth + 1, within_any, to);
    if (wait->any)
        add_list(writer, wait->any, WAIT_ANY, depth + 1, within_any, to);
}

/* ---- files */

static void check_source(const struct writer *writer, const char *path)
{
    if (access(path, R_OK) < 0)
        seam_fatal_at(writer->t, writer->site, "cannot copy '%s': %s", path, strerror(errno));
}

/* What a file or folder is now counts for whether two requests are equal. */
static void add_stamp(const char *path, struct buf *to)
{
    struct stat st;

    if (stat(path, &st) == 0) {
        message_add_int(to, "size", st.st_size);
        message_add_int(to, "changed",
                        (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
    }
}

static void add_file(const struct writer *writer, const seam_service_file *file, struct buf *to)
{
    struct buf part = begin();
    int sources = (file->text != NULL) + (file->bytes != NULL) + (file->from != NULL);

    if (!file->path[0] || sources > 1)
        seam_fatal_at(writer->t, writer->site,
                      "the file '%s' needs a .path and one of .text, .bytes and .from",
                      file->path);
    message_add_text(&part, "path", file->path);
    message_add_int(&part, "mode", file->mode);
    if (file->from) {
        const char *from = t_source_path(writer->t, writer->site, file->from);

        check_source(writer, from);
        message_add_text(&part, "from", from);
        add_stamp(from, &part);
    } else if (file->text) {
        message_add_int(&part, "text", writer->is_process);
        message_add_text(&part, "data", file->text);
    } else
        message_add(&part, "data", file->bytes, file->bytes ? file->size : 0);
    add_frame(to, "file", &part);
}

/* ---- the rest */

static void add_list_of(struct buf *to, const char *key, const char *const *list)
{
    for (int i = 0; i < SEAM_SERVICE_MAX && list[i]; i++)
        message_add_text(to, key, list[i]);
}

/* Each must have a character, as "NAME=value" has '='. */
static void add_pairs(const struct writer *writer, struct buf *to, const char *key,
                      const char *const *list, char mark, const char *form)
{
    for (int i = 0; i < SEAM_SERVICE_MAX && list[i]; i++)
        if (!strchr(list[i], mark) || list[i][0] == mark)
            seam_fatal_at(writer->t, writer->site, "'%s' in .%s is no %s", list[i], key, form);
    add_list_of(to, key, list);
}

static void add_ports(const struct writer *writer, struct buf *to, const char *key,
                      const char *field, const int *ports)
{
    for (int i = 0; i < SEAM_SERVICE_MAX && ports[i]; i++) {
        if (ports[i] < 0 || ports[i] > PORT_MAX)
            seam_fatal_at(writer->t, writer->site, "%d in .%s is no port", ports[i], field);
        message_add_int(to, key, ports[i]);
    }
}

static void add_build(const struct writer *writer, struct buf *to)
{
    const seam_service_build *build = &writer->request->build;
    const char *folder;

    if (!build->folder)
        return;
    folder = t_source_path(writer->t, writer->site, build->folder);
    if (access(folder, R_OK | X_OK) < 0)
        seam_fatal_at(writer->t, writer->site, "cannot build from '%s': %s", folder,
                      strerror(errno));
    message_add_text(to, "build_folder", folder);
    message_add_text(to, "build_file", build->dockerfile);
    message_add_text(to, "build_target", build->target);
    add_list_of(to, "build_arg", build->args);
}

static void add_health(const seam_service_health *health, struct buf *to)
{
    message_add_text(to, "health_command", health->command);
    message_add_int(to, "health_interval_ms", health->interval_ms);
    message_add_int(to, "health_timeout_ms", health->timeout_ms);
    message_add_int(to, "health_retries", health->retries);
}

static void add_limits(const seam_service_request *request, struct buf *to)
{
    char cpus[32];

    snprintf(cpus, sizeof cpus, "%.6f", request->cpus);
    if (request->cpus > 0)
        message_add_text(to, "cpus", cpus);
    message_add_int(to, "memory", request->memory);
    message_add_int(to, "shm", request->shm);
    message_add_int(to, "privileged", request->privileged);
}

/* The content that seam.lock names for it. */
static void add_pin(const struct writer *writer, struct buf *to)
{
    const char *lock = getenv(IMAGE_LOCK_VARIABLE), *image = writer->request->image;
    struct buf digest = BUF_INIT(128);
    struct err err = { "" };

    if (image && lock && *lock && image_lock_find(lock, image, &digest, &err) < 0)
        seam_fatal_at(writer->t, writer->site, "%s", err.text);
    if (digest.size > 0)
        message_add_text(to, "digest", buf_text(&digest));
    buf_fini(&digest);
}

static void add_container(const struct writer *writer, struct buf *to)
{
    const seam_service_request *request = writer->request;

    if (!request->image == !request->build.folder)
        seam_fatal_at(writer->t, writer->site,
                      "a container needs either .image or .build.folder");
    message_add_text(to, "image", request->image);
    add_pin(writer, to);
    add_build(writer, to);
    add_ports(writer, to, "port", "ports", request->ports);
    add_ports(writer, to, "host_port", "host_ports", request->host_ports);
    add_list_of(to, "cmd", request->cmd);
    add_list_of(to, "entrypoint", request->entrypoint);
    add_pairs(writer, to, "labels", request->labels, '=', "name=value");
    add_pairs(writer, to, "mounts", request->mounts, ':', "source:/path");
    add_list_of(to, "tmpfs", request->tmpfs);
    message_add_text(to, "network_mode", request->network_mode);
    add_list_of(to, "alias", request->aliases);
    message_add_text(to, "platform", request->platform);
    add_pairs(writer, to, "ulimits", request->ulimits, '=', "name=soft:hard");
    add_list_of(to, "cap", request->caps);
    add_pairs(writer, to, "extra_hosts", request->extra_hosts, ':', "name:address");
    message_add_text(to, "raw_json", request->raw_json);
    add_health(&request->health, to);
    add_limits(request, to);
}

static void add_process(const struct writer *writer, struct buf *to)
{
    const char *const *argv = writer->request->argv;
    const char *program = argv[0];

    if (!program)
        seam_fatal_at(writer->t, writer->site, "a process needs .argv, its program first");
    if (strchr(program, '/'))
        program = t_source_path(writer->t, writer->site, program);
    message_add_text(to, "argv", program);
    add_list_of(to, "argv", argv + 1);
}

void service_write(seam_t *t, bool is_process, const seam_service_request *request,
                   struct buf *frame, struct service_functions *ret)
{
    struct writer writer = { t, request->site, request, is_process, ret };
    struct buf all = begin(), wait = condition(WAIT_ALL, NULL);

    ret->count = 0;
    if (is_process)
        add_process(&writer, &all);
    else
        add_container(&writer, &all);
    add_pairs(&writer, &all, "env", request->env, '=', "NAME=value");
    message_add_text(&all, "user", request->user);
    message_add_text(&all, "workdir", request->workdir);
    for (int i = 0; i < SEAM_SERVICE_MAX && request->files[i].path; i++)
        add_file(&writer, &request->files[i], &all);
    add_conditions(&writer, &request->wait, 0, false, &wait);
    add_frame(&all, "wait", &wait);
    add_frame(frame, "request", &all);
}
