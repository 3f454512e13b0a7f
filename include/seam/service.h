/*
 * seam/service.h - any server that a test needs, in a container or as a process of this machine.
 *
 *     SEAM_TEST(cache_is_filled, .tags = "integration")
 *     {
 *         seam_container *redis = seam_container_start(t,
 *             .image = "redis:7", .ports = { 6379 },
 *             .wait  = { .log = "Ready to accept connections" });
 *
 *         connect_to(seam_container_host(redis), seam_container_port(redis, 6379));
 *         ...
 *     }
 *
 * The runner's keeper starts it, through the Docker Engine's API, and owns it: when the run is gone, so is the
 * container, even after kill -9. Equal requests of all tests and packages of a run share one container, unless
 * .private_server; what a test leaves in it the next one meets. Ports are published on 127.0.0.1, on numbers that
 * the engine chooses.
 *
 * seam_process_start takes the same request for a program of this machine, which starts some ten times faster.
 *
 * Where there is no engine, or the image can not be had, the test is skipped with the reason and the command that
 * mends it; under `-no-skip` it fails. A server that does not become ready ends the test with a time line, the last
 * error of each condition, and the last 50 lines of its log.
 *
 * Ownership: the handle and all strings belong to the (sub)test. What is passed in is copied.
 *
 * Threads: only the thread that runs the (sub)test may call these; any thread may use the server.
 */
#ifndef SEAM_SERVICE_H
#define SEAM_SERVICE_H

#include <seam/seam.h>

#ifdef __cplusplus
extern "C" {
#endif
SEAM_PUBLIC_BEGIN

enum { SEAM_SERVICE_MAX = 16 };

typedef struct seam_container seam_container;
typedef struct seam_network seam_network;

/* ---- when is it ready --------------------------------------------------------------------------- */

/* What a server of that kind answers when it is ready. */
enum seam_probe {
    SEAM_NO_PROBE,
    SEAM_PROBE_POSTGRES,
    SEAM_PROBE_REDIS,
    SEAM_PROBE_AMQP,
    SEAM_PROBE_KAFKA,
    SEAM_PROBE_MYSQL,
    SEAM_PROBE_MQTT
};

/* Conditions; all that are set must hold. Without any a server is ready when its first port accepts, or, without
 * ports, when it runs. They share one time limit, the request's. */
typedef struct seam_wait {
    int         port SEAM_0; /* this port of the server accepts, seen from outside and inside */
    const char *log SEAM_0; /* its log has this text */
    const char *log_pattern SEAM_0; /* or PCRE2, in one line */
    int         log_times SEAM_0; /* so often; 0: once */
    const char *http SEAM_0; /* a GET of this path is answered ... */
    int         http_port SEAM_0; /* ... on this port; 0: the first */
    int         http_status SEAM_0; /* ... with this status; 0: 200 */
    const char *http_header SEAM_0; /* ... with "Name: value" */
    const char *http_body SEAM_0; /* ... with this text in its body */
    bool        http_tls SEAM_0; /* ... over TLS; its certificate is not checked */
    const char *exec[SEAM_SERVICE_MAX] SEAM_0; /* this command in it ends with status 0 */
    bool        healthy SEAM_0; /* the image's or the request's health check says so */
    bool        exits SEAM_0; /* it ends by itself, with status .exit_code */
    int         exit_code SEAM_0;
    const char *file SEAM_0; /* this file is there */
    const char *sql SEAM_0; /* a PostgreSQL on its first port answers this query, ... */
    const char *sql_conninfo SEAM_0; /* ... with these words besides host and port: "user=app password=x" */
    enum seam_probe probe SEAM_0; /* its first port answers as such a server does */
    bool      (*fn)(seam_container *server, void *arg) SEAM_0; /* asked in the test's process when all else holds;
                                                                 not within .any */
    void       *arg SEAM_0;
    const struct seam_wait *all SEAM_0; /* more conditions; a list that ends with one that is all zero */
    const struct seam_wait *any SEAM_0; /* one of these holds; the same */
} seam_wait;

/* ---- the request -------------------------------------------------------------------------------- */

/* A file that is put into the server before it starts: text, or bytes, or a file or folder of this machine. For a
 * process {port:name} and {dir} are replaced in .text, and {dir} in .path, as in arguments (seam_process_start). */
typedef struct seam_service_file {
    const char *path SEAM_0; /* in the container; for a process, below {dir} */
    const char *text SEAM_0;
    const void *bytes SEAM_0;
    size_t      size SEAM_0;
    const char *from SEAM_0; /* from the folder of the test's source */
    int         mode SEAM_0; /* 0: 0644, or that of .from */
} seam_service_file;

typedef struct seam_service_build {
    const char *folder SEAM_0; /* with a Dockerfile; from the folder of the test's source */
    const char *dockerfile SEAM_0; /* its name; NULL: "Dockerfile" */
    const char *args[SEAM_SERVICE_MAX] SEAM_0; /* "NAME=value" */
    const char *target SEAM_0;
} seam_service_build;

typedef struct seam_service_health {
    const char *command SEAM_0; /* for a shell in the container */
    int         interval_ms SEAM_0;
    int         timeout_ms SEAM_0;
    int         retries SEAM_0;
} seam_service_health;

typedef struct seam_service_request {
    const char *image SEAM_0; /* "redis:7", "registry:5000/team/app@sha256:..." */
    seam_service_build build SEAM_0; /* or built from a Dockerfile */
    const char *argv[SEAM_SERVICE_MAX] SEAM_0; /* seam_process_start: the program and its arguments */
    int         ports[SEAM_SERVICE_MAX] SEAM_0; /* of the container, that the test wants to reach; 0 ends them */
    const char *env[SEAM_SERVICE_MAX] SEAM_0; /* "NAME=value" */
    const char *cmd[SEAM_SERVICE_MAX] SEAM_0;
    const char *entrypoint[SEAM_SERVICE_MAX] SEAM_0;
    const char *user SEAM_0;
    const char *workdir SEAM_0;
    const char *labels[SEAM_SERVICE_MAX] SEAM_0; /* "name=value" */
    seam_service_file files[SEAM_SERVICE_MAX] SEAM_0;
    const char *mounts[SEAM_SERVICE_MAX] SEAM_0; /* "/on/this/machine:/in/it[:ro]", "volume:/in/it" */
    const char *tmpfs[SEAM_SERVICE_MAX] SEAM_0; /* "/data", "/data:size=64m" */
    seam_network *network SEAM_0; /* of seam_network_start */
    const char *network_mode SEAM_0; /* "host", "none"; NULL: "bridge" */
    const char *aliases[SEAM_SERVICE_MAX] SEAM_0; /* its names in .network */
    const char *platform SEAM_0; /* "linux/arm64" */
    long        memory SEAM_0; /* bytes */
    double      cpus SEAM_0;
    long        shm SEAM_0; /* bytes of /dev/shm */
    const char *ulimits[SEAM_SERVICE_MAX] SEAM_0; /* "nofile=1024:2048" */
    const char *caps[SEAM_SERVICE_MAX] SEAM_0; /* "NET_ADMIN", "-CHOWN" */
    bool        privileged SEAM_0;
    const char *extra_hosts[SEAM_SERVICE_MAX] SEAM_0; /* "name:address"; host.seam.internal is this machine */
    int         host_ports[SEAM_SERVICE_MAX] SEAM_0; /* ports of 127.0.0.1, where servers of the test listen, that it
                                                        reaches as host.seam.internal:port; 0 ends them */
    seam_service_health health SEAM_0;
    seam_wait   wait SEAM_0;
    seam_container *after[SEAM_SERVICE_MAX] SEAM_0; /* servers that it needs: they are ready before it starts */
    bool        in_background SEAM_0; /* return at once: the first call that uses it waits, or a server with .after it */
    int         start_timeout_ms SEAM_0; /* 0: 60 s, and no longer than the test may go on */
    int         attempts SEAM_0; /* 0: one */
    bool        private_server SEAM_0; /* a server of this test's own */
    bool        pull SEAM_0; /* ask the registry for a newer image, also when it is here */
    const char *raw_json SEAM_0; /* merged into the body of the engine's create call, last */
    const char *name SEAM_0; /* for messages; NULL: the image's */
    seam_site   site SEAM_0; /* set for you */
} seam_service_request;

/* Start a container, or share the one that an equal request has started. */
#define seam_container_start(...) seam_container_start_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_container_start_(t, ...) \
    seam_container_start_at((t), SEAM_NEW(seam_service_request, __VA_ARGS__))
seam_container *seam_container_start_at(seam_t *t, SEAM_REF(seam_service_request) request);

/* Start a program of this machine: .argv, .env, .files, .workdir, .user and .wait of the request. {port}, {port:name}
 * and {dir} in arguments, environment and files are a free port of 127.0.0.1, the same for the same name, and a
 * folder of its own. */
#define seam_process_start(...) seam_process_start_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_process_start_(t, ...) \
    seam_process_start_at((t), SEAM_NEW(seam_service_request, __VA_ARGS__))
seam_container *seam_process_start_at(seam_t *t, SEAM_REF(seam_service_request) request);

/* A network of the test's own, for containers that reach each other by .aliases. */
#define seam_network_start(t) seam_network_start_at((t), SEAM_HERE)
seam_network *seam_network_start_at(seam_t *t, seam_site at);

/* ---- a server that runs ------------------------------------------------------------------------- */

const char *seam_container_host(const seam_container *server); /* "127.0.0.1" */
const char *seam_container_id(const seam_container *server);
const char *seam_container_folder(const seam_container *server); /* of a process: its {dir}; else "" */

/* Where a port of the container is reached from here; of a process 1 is the first of its {port:...}, in the order
 * of arguments, environment and files. 0 is the first in either case. Ends the test when it is none of the request's. */
#define seam_container_port(c, port) seam_container_port_at((c), SEAM_HERE, (port))
int seam_container_port_at(seam_container *server, seam_site at, int port);
int seam_container_named_port(const seam_container *server, const char *name); /* of a process; -1: none */

const char *seam_container_ip(seam_container *server); /* in its network, for other containers */

typedef struct seam_exec_result {
    int         status;
    const char *out;
    const char *err;
    size_t      out_size;
    size_t      err_size;
} seam_exec_result;

typedef struct seam_exec_options {
    const char *argv[SEAM_SERVICE_MAX] SEAM_0;
    const char *stdin_text SEAM_0;
    const char *env[SEAM_SERVICE_MAX] SEAM_0;
    const char *user SEAM_0;
    const char *workdir SEAM_0;
    bool        may_fail SEAM_0; /* another status than 0 does not end the test */
    int         timeout_ms SEAM_0; /* 0: as long as the test may go on */
    seam_site   site SEAM_0; /* set for you */
} seam_exec_options;

/* Run a command in it. */
#define seam_container_exec(...) seam_container_exec_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_container_exec_(c, ...) \
    seam_container_exec_at((c), SEAM_NEW(seam_exec_options, __VA_ARGS__))
const seam_exec_result *seam_container_exec_at(seam_container *server, SEAM_REF(seam_exec_options) options);

/* Its log so far, stdout and stderr together; at most the last 16 MB. */
const char *seam_container_logs(seam_container *server);

/* Wait until its log has a text, counted from this test's start; what the limit is for is the test's own time. */
#define seam_container_follow(c, text, within_ms) \
    seam_container_follow_at((c), SEAM_HERE, (text), (within_ms))
void seam_container_follow_at(seam_container *server, seam_site at, const char *text, int within_ms);

/* Copy a file's bytes in or out. Ends the test when it cannot. */
#define seam_container_copy_to(c, path, data, size) \
    seam_container_copy_to_at((c), SEAM_HERE, (path), (data), (size))
void seam_container_copy_to_at(seam_container *server, seam_site at, const char *path, const void *data,
                               size_t size);
#define seam_container_copy_from(c, path, ret_size) \
    seam_container_copy_from_at((c), SEAM_HERE, (path), (ret_size))
const char *seam_container_copy_from_at(seam_container *server, seam_site at, const char *path,
                                        size_t *ret_size);

/* For tests of failures; they need .private_server and end the test without. Each returns when it is so. */
#define seam_container_pause(c) seam_container_do_at((c), SEAM_HERE, "pause")
#define seam_container_resume(c) seam_container_do_at((c), SEAM_HERE, "resume")
#define seam_container_restart(c) seam_container_do_at((c), SEAM_HERE, "restart")
#define seam_container_kill(c) seam_container_do_at((c), SEAM_HERE, "kill")
#define seam_container_stop(c) seam_container_do_at((c), SEAM_HERE, "stop")
void seam_container_do_at(seam_container *server, seam_site at, const char *what);

SEAM_PUBLIC_END
#ifdef __cplusplus
}
#endif

#endif
