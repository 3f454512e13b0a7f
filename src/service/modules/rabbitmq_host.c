/* service/modules/rabbitmq_host.c - virtual hosts with a user; see rabbitmq_host.h. */

#include "service/modules/rabbitmq_host.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>

enum { SPARES = 2, PATH_ROOM = 128, BODY_ROOM = 256 };

/* ---- making ----------------------------------------------------------------------------- */

static int ask(struct rabbitmq_http *http, const char *method, const char *what,
               const char *name, const char *body, struct err *err)
{
    char path[PATH_ROOM];

    snprintf(path, sizeof path, "%s/%s", what, name);
    return rabbitmq_http_call(http, method, path, body, NULL, err);
}

/* Who makes a virtual host by this API, that is our own user, may do all in it. */
int rabbitmq_host_make(struct rabbitmq_http *http, struct rabbitmq_host *ret, struct err *err)
{
    static atomic_int number;
    char body[BODY_ROOM], permissions[PATH_ROOM / 2];
    struct rabbitmq_host host;
    int r;

    if (rabbitmq_secret(host.password) < 0)
        return err_set(err, -EIO, "cannot get random bytes");
    snprintf(host.name, sizeof host.name, "t%d_%.4s", ++number, host.password);
    r = rabbitmq_secret(host.password) < 0 ? -EIO
                                           : ask(http, "PUT", "vhosts", host.name, "{}", err);
    snprintf(body, sizeof body, "{\"password\":\"%s\",\"tags\":\"management\"}", host.password);
    if (r == 0)
        r = ask(http, "PUT", "users", host.name, body, err);
    snprintf(permissions, sizeof permissions, "permissions/%s", host.name);
    if (r == 0)
        r = ask(http, "PUT", permissions, host.name,
                "{\"configure\":\".*\",\"write\":\".*\",\"read\":\".*\"}", err);
    if (r == 0)
        *ret = host;
    return r;
}

void rabbitmq_host_remove(struct rabbitmq_http *http, const char *name)
{
    ask(http, "DELETE", "users", name, NULL, NULL); /* first: nobody comes back */
    ask(http, "DELETE", "vhosts", name, NULL, NULL);
}

/* ---- made ahead ------------------------------------------------------------------------- */

static struct {
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    const struct rabbitmq_server *server; /* whose these are; it is never freed */
    struct rabbitmq_host hosts[SPARES];
    int count;
    bool filling; /* there is a thread that makes more */
} spare = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

/* Keep one that was made for `server`. Returns whether more are wanted. */
static bool keep(const struct rabbitmq_server *server, const struct rabbitmq_host *host)
{
    bool more;

    pthread_mutex_lock(&spare.lock);
    if (spare.server == server && spare.count < SPARES)
        spare.hosts[spare.count++] = *host;
    more = spare.server == server && spare.count < SPARES;
    spare.filling = more;
    pthread_cond_broadcast(&spare.changed);
    pthread_mutex_unlock(&spare.lock);
    return more;
}

static void stop_filling(void)
{
    pthread_mutex_lock(&spare.lock);
    spare.filling = false;
    pthread_cond_broadcast(&spare.changed);
    pthread_mutex_unlock(&spare.lock);
}

static void *fill(void *arg)
{
    const struct rabbitmq_server *server = arg;
    struct rabbitmq_http *http = rabbitmq_http_new(server);
    struct rabbitmq_host host;
    bool more = http != NULL;

    if (!more)
        stop_filling();
    while (more)
        if (rabbitmq_host_make(http, &host, NULL) == 0)
            more = keep(server, &host);
        else {
            stop_filling(); /* who comes next is told why */
            more = false;
        }
    rabbitmq_http_free(http);
    return NULL;
}

/* With the lock. */
static void begin_filling(const struct rabbitmq_server *server)
{
    pthread_t thread;

    if (spare.filling || spare.count == SPARES ||
        pthread_create(&thread, NULL, fill, (void *)(uintptr_t)server) != 0)
        return;
    pthread_detach(thread);
    spare.filling = true;
}

int rabbitmq_host_take(const struct rabbitmq_server *server, struct rabbitmq_http *http,
                       struct rabbitmq_host *ret, struct err *err)
{
    bool found;

    pthread_mutex_lock(&spare.lock);
    if (spare.server != server) {
        spare.server = server;
        spare.count = 0;
    }
    while (spare.count == 0 && spare.filling) /* sooner than one of our own */
        pthread_cond_wait(&spare.changed, &spare.lock);
    found = spare.count > 0;
    if (found)
        *ret = spare.hosts[--spare.count];
    begin_filling(server);
    pthread_mutex_unlock(&spare.lock);
    return found ? 0 : rabbitmq_host_make(http, ret, err);
}
