/* double/deny.c - what a test may reach outside its process: seam/net.h, and refusals that fail the test. */

#include "double/deny.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "double/spawned.h"
#include "link/link.h"
#include "link/owner.h"
#include "seam/net.h"
#include "test/t.h"

#include "base/hostile.h"

enum { TOLD_MAX = 50, TOLD_SIZE = 300 };

/* In each program that links doubles: all of them come here. */
__attribute__((constructor)) static void reach_spawned_programs(void)
{
    t_spawn_environment(spawned_environment, "does not reach the doubles of this test",
                        "and give it the URL of a mock that was started with NULL");
}

/* Who refuses, newest first: it is told what was refused. */
struct denier {
    struct denier *next;
    seam_t *t;
    seam_site site;
    char told[TOLD_MAX]
             [TOLD_SIZE]; /* destinations: a program that tries again is told of once */
    size_t told_count;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct denier *deniers; /* guarded by it */

static bool is_news(struct denier *denier, const char *destination)
{
    for (size_t i = 0; i < denier->told_count; i++)
        if (strcmp(denier->told[i], destination) == 0)
            return false;
    if (denier->told_count == TOLD_MAX)
        return false;
    snprintf(denier->told[denier->told_count++], TOLD_SIZE, "%s", destination);
    return true;
}

/* ", which is no lease: postgres, pid 812" of a port of this machine; else nothing. */
static void add_owner(struct buf *to, const char *host, int port)
{
    char owner[100] = "";

    if (strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
        strcmp(host, "localhost") == 0)
        owner_describe(port, owner, sizeof owner);
    if (*owner)
        buf_printf(to, ", which is no lease (%s),", owner);
}

static void say_refused(const struct denier *denier, const char *destination, const char *owner,
                        const char *library)
{
    if (t_net_mode() == T_NET_WARN)
        t_warn_at(denier->t, denier->site,
                  "warning: connection to '%s'%s by %s: no double has it and nothing allows it",
                  destination, owner, library);
    else
        seam_error_at(denier->t, denier->site,
                      "connection to '%s'%s by %s was refused: no double has it and nothing "
                      "allows it\ntry: seam_net_allow(t, \"%s\")",
                      destination, owner, library, destination);
}

/* On the thread that wanted to connect. */
static void refused(void *arg, const char *host, int port, const char *library)
{
    struct buf owner = BUF_INIT(TOLD_SIZE);
    char destination[TOLD_SIZE];

    (void)arg;
    add_owner(&owner, host, port);
    snprintf(destination, sizeof destination, strchr(host, ':') ? "[%s]:%d" : "%s:%d", host,
             port);
    pthread_mutex_lock(&lock);
    if (deniers && is_news(deniers, destination))
        say_refused(deniers, destination, buf_text(&owner), library);
    pthread_mutex_unlock(&lock);
    buf_fini(&owner);
}

int net_check_hooks(struct err *err)
{
    return t_hooks_are_on() ? link_check(err) : err_set(err, -ENOTSUP, "-hooks is off");
}

/* -hooks off leaves nothing that could refuse. */
static bool looks_at_connections(void)
{
    return t_net_mode() != T_NET_ALLOW && t_hooks_are_on();
}

void net_deny_begin(seam_t *t, seam_site at)
{
    struct denier *denier = calloc(1, sizeof *denier);

    if (!denier)
        arena_give_up(sizeof *denier);
    denier->t = t;
    denier->site = at;
    pthread_mutex_lock(&lock);
    denier->next = deniers;
    deniers = denier;
    pthread_mutex_unlock(&lock);
    if (!looks_at_connections())
        return;
    link_deny_only_tells(t_net_mode() == T_NET_WARN);
    link_deny(refused, NULL);
}

void net_deny_end(seam_t *t)
{
    struct denier **at = &deniers, *denier;

    if (looks_at_connections())
        link_deny_end();
    pthread_mutex_lock(&lock);
    while (*at && (*at)->t != t)
        at = &(*at)->next;
    denier = *at;
    if (denier)
        *at = denier->next;
    pthread_mutex_unlock(&lock);
    free(denier);
}

/* ---- seam/net.h */

static void end_allow(void *destination)
{
    link_allow_end(destination);
}

static void end_break(void *destination)
{
    link_mend(destination);
}

void seam_net_allow_at(seam_t *t, seam_site at, const char *destination)
{
    struct err err;

    if (link_allow(destination, &err) < 0)
        seam_fatal_at(t, at, "%s", err.text);
    seam_cleanup(t, end_allow, arena_dup(t_arena(t), destination));
}

static void end_deny(void *t)
{
    net_deny_end(t);
}

void seam_net_deny_at(seam_t *t, seam_site at)
{
    struct err err;

    if (net_check_hooks(&err) < 0)
        seam_fatal_at(t, at, "cannot refuse connections: %s", err.text);
    net_deny_begin(t, at);
    seam_cleanup(t, end_deny, t);
}

static int breakage_of(int fault)
{
    switch (fault) {
    case SEAM_NET_REFUSED:
        return LINK_BREAK_REFUSED;
    case SEAM_NET_NO_ANSWER:
        return LINK_BREAK_NO_ANSWER;
    case SEAM_NET_UNKNOWN_HOST:
        return LINK_BREAK_UNKNOWN_HOST;
    default:
        return -EINVAL;
    }
}

void seam_net_break_at(seam_t *t, seam_site at, const char *destination, int fault)
{
    int how = breakage_of(fault);
    struct err err;

    if (how < 0)
        seam_fatal_at(t, at, "seam_net_break: %d is no fault of enum seam_net_fault", fault);
    if (net_check_hooks(&err) < 0)
        seam_fatal_at(t, at, "cannot break connections: %s", err.text);
    link_private_fd = t_private_fd;
    if (link_break(destination, (enum link_breakage)how, &err) < 0)
        seam_fatal_at(t, at, "%s", err.text);
    seam_cleanup(t, end_break, arena_dup(t_arena(t), destination));
}

void seam_net_mend(seam_t *t, const char *destination)
{
    (void)t;
    link_mend(destination);
}
