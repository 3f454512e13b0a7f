/*
 * service/modules/boot.h - start a server's program on ports of its own, and wait until it is ready.
 *
 * Threads: any; a server by one at a time.
 */
#ifndef SERVICE_MODULES_BOOT_H
#define SERVICE_MODULES_BOOT_H

#include "service/child.h"
#include "service/keeper.h"

enum { BOOT_PORTS = 5 };

struct boot {
    const char *name; /* for messages: "redis" */
    void *server; /* for the functions */
    struct service *service; /* its log; its pid is set */
    struct child *child;
    const char *folder; /* when something changes there it is greeted again */
    int most_ms; /* until it is ready */
    int end_signal, end_ms; /* as of child_end, for one that does not become ready */
    int (*execute)(void *server, struct err *err); /* start the child */
    int (*greet)(void *server, struct err *err); /* 0: it is ready; else why it is not */

    /* For boot_first: */
    int *ports[BOOT_PORTS]; /* where they go; NULL ends */
    const char *taken; /* in its log: another process has taken a port meanwhile */
    int (*settle)(void *server, struct err *err); /* after ports are chosen; NULL */
};

int boot_again(const struct boot *boot, struct err *err); /* on the ports that it has */
int boot_first(const struct boot *boot, struct err *err);

#endif
