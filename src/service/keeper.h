/*
 * service/keeper.h - the process that owns the services of a run.
 *
 *   connection    one client on the listening socket, with a thread of its own
 *   lease         what a test holds: it lives as long as its connection
 *   service       a server that runs; leases share it or have it to themselves
 *   module        what knows a kind of service: postgres, redis
 *
 * Threads: `lock` guards the lists and counts here; a module guards its own.
 */
#ifndef SERVICE_KEEPER_H
#define SERVICE_KEEPER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/message.h"
#include "service/child.h"
#include "service/clean.h"

enum { KEEPER_RUNNERS = 64, REPLY_MAX = MESSAGE_MAX };

struct lease;
struct keeper;

struct service {
    struct service *next;
    const char *kind; /* "postgres" */
    const char *tier; /* "container"; NULL: a process of this machine */
    char name[32]; /* "postgres-1" */
    char version[32];
    char folder[CLEAN_PATH_MAX]; /* its data and socket */
    char log[CLEAN_PATH_MAX + 8];
    pid_t pid;
    int leases;
    uint64_t since_ns;
    void (*end)(struct service *service); /* at once; may be called twice */
};

/* What a kind of service does for a connection. Each function adds the fields of its answer to
 * `reply`, and nothing when it has a failure to report by keeper_error or keeper_skip. */
struct module {
    const char *start_verb; /* "postgres.start" */
    int (*start)(struct lease *lease, const struct message *request, struct buf *reply);
    int (*verb)(struct lease *lease, const char *verb, const struct message *request,
                struct buf *reply);
    /* The lease ends. `keep`: its test failed and what it had is to be held; `note` then tells a person
     * how to look at it. */
    void (*end)(struct lease *lease, bool keep, struct buf *note);
};

struct lease {
    struct keeper *keeper;
    const struct module *module;
    char *test; /* the test's name */
    void *state; /* the module's; NULL until it has started */
};

struct keeper {
    struct clean_dirs dirs;
    const char *cache;
    int number; /* of this keeper among those that its run has had: 0, 1, ... */
    int parallel;
    bool keep;
    int reuse_s;
    int listener;
    int first_runner; /* the socket of the one that has started us, whose run is ours */
    pthread_mutex_t lock; /* guards what follows */
    struct service *services;
    int next_service; /* numbers them */
    int connections; /* that are open, of all kinds */
    int held; /* leases held by -keep */
    int runners[KEEPER_RUNNERS]; /* sockets that get notes; -1: free */
    uint64_t last_ns; /* when a runner or a lease last ended */
    int wake; /* eventfd: counts have changed */
};

/* Tell the runners a line for people. */
void keeper_note(struct keeper *keeper, const char *format, ...) SEAM_PRINTF(2, 3);

/* Tell them how far something is: on a terminal it is shown until the next, else nobody sees it. */
void keeper_progress(struct keeper *keeper, const char *format, ...) SEAM_PRINTF(2, 3);

/* Fill the reply with a failure: the test fails, or is skipped because something is not installed or not
 * allowed (`remedy` may be NULL). Return -ECANCELED, so that they can end a function. */
int keeper_error(struct buf *reply, const char *format, ...) SEAM_PRINTF(2, 3);
int keeper_skip(struct buf *reply, const char *remedy, const char *format, ...)
    SEAM_PRINTF(3, 4);

/* Give a new service its name and number, and make its folder, on tmpfs when `need` bytes and a quarter
 * more fit there. */
int keeper_prepare(struct keeper *keeper, struct service *service, const char *kind,
                   uint64_t need, bool *ret_on_tmpfs, struct err *err);

/* The marker of its processes. Returns `room`. */
const char *keeper_marker(const struct keeper *keeper, const struct service *service,
                          char *room, size_t size);

void keeper_add(struct keeper *keeper, struct service *service);
void keeper_remove(struct keeper *keeper, struct service *service);

/* Count leases of a service, for the list. */
void keeper_count(struct keeper *keeper, struct service *service, int change);

extern const struct module postgres_module, rabbitmq_module, redis_module, process_module,
    container_module, network_module, kafka_module;

#endif
