/*
 * service/modules/box.h - a module's own server in a container: which tier a test wants, and how the container is
 * asked for.
 *
 * Threads: any.
 */
#ifndef SERVICE_MODULES_BOX_H
#define SERVICE_MODULES_BOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "service/modules/daemon.h"
#include "service/modules/server.h"

enum { BOX_PORTS = 4, BOX_FILES = 8 };

enum box_tier { BOX_AUTO, BOX_NATIVE, BOX_DOCKER };

/* What a request for a service says about containers; read from {tier, image, offline, lock}. */
struct box_choice {
    enum box_tier tier;
    const char *image; /* that the test names; NULL */
    const char *lock; /* the file seam.lock; NULL */
    bool offline;
};

void box_choice_read(const struct message *request, struct arena *arena,
                     struct box_choice *ret);

struct box_file {
    const char *path;
    const void *data; /* or */
    size_t size;
    const char *from; /* a file or folder of this machine */
    int mode; /* 0: 0644, or that of `from` */
};

/* A container to start. Lists are ended by NULL; NULL: none. */
struct box_wish {
    const char *kind; /* "postgres" */
    const char *image;
    bool may_pull; /* somebody has asked for containers, so its image may be pulled */
    struct box_choice choice;
    const char *user;
    const char *const *env, *const *cmd, *const *entrypoint, *const *labels, *const *tmpfs;
    int ports[BOX_PORTS];
    bool keeps_ports; /* they stay the same when it is restarted */
    struct box_file files[BOX_FILES]; /* ended by one without a path */
    int probe; /* of enum seam_probe, on its first port; 0: none */
    const char *query, *query_words; /* it is ready when this SQL is answered; NULL: none */
    int timeout_ms;
};

/* The daemon, with the image where nothing is to be pulled. -ENOENT as below. */
int box_open(struct keeper *keeper, const struct box_wish *wish, struct engine **ret,
             const char **ret_remedy, struct err *err);

/* Add a file to those of a wish. */
void box_add_file(struct box_wish *wish, const char *path, const void *data, size_t size);

/* Start it, ready when this returns. -ENOENT: it cannot be had on this machine, and *ret_remedy (static, or NULL)
 * would mend it. It is ended by box_free. */
int box_start(struct keeper *keeper, const struct box_wish *wish, struct server **ret,
              const char **ret_remedy, struct err *err);
void box_free(struct server *server); /* NULL is fine */

bool box_is_alive(struct server *server);
int box_control(struct server *server, const char *what, struct err *err);

/* Where its n-th port is reached. */
int box_port(const struct server *server, size_t n);

/* The time since it was begun, for the note that a module gives. */
double box_ms(const struct server *server);

#endif
