/* service/modules/network.c - networks that tests have for their containers. */

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/modules/daemon.h"

struct network {
    char id[65];
};

static int make(struct lease *lease, struct engine *engine, struct network *network,
                struct err *err)
{
    static atomic_int number;
    const char *labels[] = { daemon_label(), NULL };
    char name[64];
    int r = daemon_begin_making();

    if (r < 0)
        return err_set(err, r, "the run ends");
    snprintf(name, sizeof name, "seam-%s-%d", lease->keeper->dirs.run,
             atomic_fetch_add(&number, 1) + 1);
    r = engine_network(engine, name, labels, network->id, err);
    daemon_end_making();
    return r;
}

static int start(struct lease *lease, const struct message *request, struct buf *reply)
{
    struct network *network = calloc(1, sizeof *network);
    const char *remedy = NULL;
    struct err err = { "out of memory" };
    struct engine *engine;
    int r = network ? daemon_open(lease->keeper, &engine, &remedy, &err) : -ENOMEM;

    (void)request;
    if (r < 0) {
        free(network);
        return keeper_skip(reply, remedy, "needs a network of containers: %s", err.text);
    }
    r = make(lease, engine, network, &err);
    if (r < 0) {
        free(network);
        return keeper_error(reply, "%s", err.text);
    }
    lease->state = network;
    message_add_text(reply, "id", network->id);
    return 0;
}

static int verb(struct lease *lease, const char *name, const struct message *request,
                struct buf *reply)
{
    (void)lease, (void)request;
    return keeper_error(reply, "a network has no verb '%s'", name);
}

static void end(struct lease *lease, bool keep, struct buf *note)
{
    struct network *network = lease->state;

    if (keep)
        buf_printf(note, "docker network inspect %.12s", network->id);
    else
        daemon_remove_network(network->id);
    free(network);
}

const struct module network_module = {
    .start_verb = "network.start",
    .start = start,
    .verb = verb,
    .end = end,
};
