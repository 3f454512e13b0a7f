/*
 * service/modules/server.h - what a container and a process have in common as a service: a request, ports, a log
 * in a file, readiness, and leases that share it.
 *
 *   request     what a test asks for
 *   server      what runs; a shared one is found again by an equal request
 *   kind        how to start it: container.c, process.c
 *
 * Threads: a kind's functions are called by one thread at a time for one server, but for address, log, state,
 * exec and copies, which may be called by several once it has started.
 */
#ifndef SERVICE_MODULES_SERVER_H
#define SERVICE_MODULES_SERVER_H

#include <pthread.h>

#include "service/keeper.h"
#include "service/modules/request.h"

enum { SERVER_PORTS = 16, SERVER_LOG_MAX = 15 << 20 };

struct server_port {
    char name[32]; /* of a process's {port:name}; "" */
    int number; /* as tests name it */
    int reached; /* where it is reached from here */
};

struct server {
    struct service service; /* first: the keeper's list holds these */
    struct keeper *keeper;
    const struct server_kind *kind;
    struct request *request; /* its own */
    char host[64]; /* where its ports are reached */
    char id[72];
    char key[17]; /* its service.kind */
    struct server_port ports[SERVER_PORTS];
    size_t port_count;
    struct buf steps; /* the time line of its start */
    uint64_t begun_ns;
    int ended_fd; /* becomes readable when it has ended; -1 */
};

/* Why it did not start. */
struct server_trouble {
    bool is_missing; /* something is not on this machine: the test is skipped */
    bool try_again; /* another attempt may help, such as with other ports */
    const char *remedy; /* static; NULL */
    struct buf story;
};

/* A command in it. */
struct server_exec {
    const char *const *argv;
    const char *const *env;
    const char *user, *workdir;
    const char *input;
    size_t input_size;
    int timeout_ms;
};

struct server_kind {
    const char *word; /* "container" */
    size_t size; /* of the structure that begins with a struct server */
    /* Start it and wait until it is ready. What it had is ended by `finish` when this fails. */
    int (*start)(struct server *server, uint64_t deadline_ns, struct server_trouble *trouble);
    bool (*is_alive)(struct server *server);
    void (*end)(struct server *server); /* at once, from any thread */
    void (*finish)(struct server *server); /* end it and free what it has, but not it itself */
    int (*exec)(struct server *server, const struct server_exec *exec, int *ret_status,
                struct buf *ret_out, struct buf *ret_err, struct err *err);
    int (*copy_to)(struct server *server, const char *path, const void *data, size_t size,
                   struct err *err);
    int (*copy_from)(struct server *server, const char *path, struct buf *ret, struct err *err);
    int (*control)(struct server *server, const char *what, struct err *err);
    void (*describe)(struct server *server, struct buf *reply); /* adds to it */
    void (*look)(struct server *server, struct buf *note); /* how a person looks at it */
};

extern const struct server_kind process_kind, container_kind;

/* Say why it did not start. Returns `code`. */
int server_fail(struct server_trouble *trouble, int code, const char *format, ...)
    SEAM_PRINTF(3, 4);

/* Wait until its request's conditions hold. */
int server_await(struct server *server, struct wait_server *calls, uint64_t deadline_ns,
                 struct server_trouble *trouble);

/* It is about to be waited for once more: what has held, and what its log has, counts no more. */
void server_forget_waiting(struct server *server);

/* The port of that number; 0: the first. NULL: none. */
struct server_port *server_port(struct server *server, int number);

/* For wait_server.log, with the server as `of`. */
void server_log(void *of, size_t seen, int wait_ms, struct buf *ret);

/* A short name for a service, of what runs in it: "redis" of "registry:5000/team/redis:7". */
void server_name(const char *from, char *ret, size_t size);

/* For the modules. */
int server_start(const struct server_kind *kind, struct lease *lease,
                 const struct message *request, struct buf *reply);
int server_verb(struct lease *lease, const char *verb, const struct message *request,
                struct buf *reply);
void server_end(struct lease *lease, bool keep, struct buf *note);

#endif
