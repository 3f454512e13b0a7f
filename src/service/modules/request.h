/*
 * service/modules/request.h - a request for a server, as lease/service.h writes it, read.
 *
 * Ownership: all texts lie in the request's arena and live until request_free.
 */
#ifndef SERVICE_MODULES_REQUEST_H
#define SERVICE_MODULES_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/message.h"
#include "service/wait.h"

/* A file for the server: bytes, or a file or folder of this machine. */
struct request_file {
    const char *path;
    const char *data;
    size_t size;
    bool is_text; /* placeholders in it are replaced */
    const char *from; /* absolute; NULL: `data` */
    int mode; /* 0: 0644, or that of `from` */
};

struct request {
    struct arena arena;
    const char *name; /* for messages */
    const char *kind; /* of a module's own server: "postgres"; NULL: a test's */
    bool is_private, pull, offline;
    int timeout_ms, attempts;
    struct message identity; /* what makes two requests equal, without files of this machine */
    uint64_t key; /* a hash of it */

    const char *image, *digest, *user, *workdir, *network, *network_mode, *platform, *cpus,
        *raw_json;
    const char *build_folder, *build_file, *build_target;
    long memory, shm;
    bool privileged;
    const char *health_command;
    int health_interval_ms, health_timeout_ms, health_retries;
    /* lists, each ended by NULL */
    const char *const *argv,
        *const *ports, *const *host_ports,
                           *const *env, *const *cmd,
                                            *const *entrypoint,
                                                *const *labels,
                                                    *const *mounts,
                                                        *const *tmpfs,
                                                            *const *aliases,
                                                                *const *ulimits,
                                                                    *const *caps,
                                                                        *const *extra_hosts,
                                                                            *const *build_args;
    struct request_file *files;
    size_t file_count;
    struct wait_condition wait;
};

/* -EINVAL with words for the test's author. */
int request_read(const struct message *message, struct request **ret, struct err *err);
void request_free(struct request *request); /* NULL is fine */

#endif
