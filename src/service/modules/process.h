/* service/modules/process.h - a program of this machine as a server. */
#ifndef SERVICE_MODULES_PROCESS_H
#define SERVICE_MODULES_PROCESS_H

#include "service/modules/placeholder.h"
#include "service/modules/server.h"

struct process {
    struct server server; /* first */
    bool is_made;
    char program[4096];
    char folder[CLEAN_PATH_MAX + 8]; /* {dir} */
    char marker[64];
    struct placeholder_ports named;
    const char *const *env; /* what follows: in the request's arena */
    const char *workdir;
    bool has_user;
    struct child_user user;
    pthread_mutex_t lock; /* guards what follows */
    struct child child;
    int status; /* once it has ended */
};

#endif
