/* link/destination.c - names, routes and refusals; see destination.h and link.h. */

#include "link/destination.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_name.h"
#include "base/map.h"
#include "link/name_server.h"
#include "link/owner.h"

#include "base/hostile.h"

enum { ADDRESSES_MAX = 1 << 16, ROUTES_MAX = 4096, ALLOWED_MAX = 256 };

#define ADDRESS_BASE 0xc6120000u /* 198.18.0.0/15, kept for benchmarks: nobody's (RFC 2544) */

struct link_route {
    char host[LINK_HOST_MAX]; /* lower case; ".pay.test" for names below */
    int port;
    const struct link_driver *driver;
    void *route; /* NULL: free */
    int listener; /* asked for before a fork; 0: not yet */
};

/* "host:port", "host", ":port", "*" */
struct rule {
    char host[LINK_HOST_MAX]; /* "": any */
    int port; /* 0: any */
    int fault; /* LINK_PASS, or what it comes to instead */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all below but `active` */
static atomic_bool active;
static struct link_route *routes;
static size_t route_count; /* with free ones */
static struct map names; /* to 1 + the index in `named` */
static char **named; /* by address - ADDRESS_BASE - 1; never freed: programs keep addresses */
static size_t named_count;
static struct rule allowed[ALLOWED_MAX];
static size_t allowed_count;
static int denying;
static bool only_tells; /* it is no more than a warning */
static link_refused_fn *refused;
static void *refused_arg;
static bool forked; /* this is a child that the test forked */

static void set_active(void)
{
    bool any = denying > 0 || allowed_count > 0;

    for (size_t i = 0; i < route_count && !any; i++)
        any = routes[i].route != NULL;
    atomic_store(&active, any);
}

bool link_is_active(void)
{
    return atomic_load_explicit(&active, memory_order_relaxed);
}

/* ---- forks */

/* A child finds the doubles of its parent by their listeners: they must be there before it is. */
static void before_fork(void)
{
    for (size_t i = 0; i < route_count; i++) {
        struct link_route *route = &routes[i];

        if (route->route && route->listener == 0 && route->driver->listen)
            route->listener = route->driver->listen(route->route, route->host);
    }
    pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&lock);
}

static void after_fork_in_child(void)
{
    forked = true;
    pthread_mutex_unlock(&lock);
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

/* ---- names */

static bool lower_host(const char *host, char ret[LINK_HOST_MAX])
{
    size_t size = strlen(host);

    if (size == 0 || size >= LINK_HOST_MAX)
        return false;
    for (size_t i = 0; i <= size; i++)
        ret[i] = (char)tolower((unsigned char)host[i]);
    if (size > 1 && ret[size - 1] == '.') /* a name from the root: the same host */
        ret[size - 1] = '\0';
    return true;
}

static bool is_numeric(const char *host)
{
    struct in6_addr address;
    char bare[LINK_HOST_MAX];

    snprintf(bare, sizeof bare, "%.*s", (int)strcspn(host, "%"), host);
    return inet_pton(AF_INET, bare, &address) == 1 || inet_pton(AF_INET6, bare, &address) == 1;
}

/* The address of a name, given out once and kept. 0 when there is no more. */
static uint32_t address_of(const char *host)
{
    uint32_t *index = map_find(&names, host);
    char **more;

    if (index)
        return htonl(ADDRESS_BASE + *index);
    if (named_count + 1 >= ADDRESSES_MAX)
        return 0;
    if ((named_count & (named_count + 1)) == 0) { /* grows by powers of two */
        more = realloc(named, 2 * (named_count + 1) * sizeof *named);
        if (!more)
            return 0;
        named = more;
    }
    named[named_count] = strdup(host);
    index = named[named_count] ? map_at(&names, named[named_count]) : NULL;
    if (!index)
        return 0;
    *index = (uint32_t)++named_count;
    return htonl(ADDRESS_BASE + *index);
}

static const char *name_of(uint32_t address)
{
    uint32_t index = ntohl(address) - ADDRESS_BASE;

    return index >= 1 && index <= named_count ? named[index - 1] : NULL;
}

/* ---- routes */

static bool host_matches(const char *pattern, const char *host)
{
    size_t pattern_size = strlen(pattern), size = strlen(host);

    if (*pattern != '.')
        return strcmp(pattern, host) == 0;
    return size > pattern_size && strcmp(host + size - pattern_size, pattern) == 0;
}

/* An exact one comes before one for all names below. Port 0: of any port. */
static struct link_route *find_route(const char *host, int port)
{
    struct link_route *found = NULL;

    for (size_t i = 0; i < route_count; i++) {
        struct link_route *route = &routes[i];

        if (!route->route || (port && route->port != port) || !host_matches(route->host, host))
            continue;
        if (*route->host != '.')
            return route;
        found = route;
    }
    return found;
}

static struct link_route *free_route(void)
{
    struct link_route *more;

    for (size_t i = 0; i < route_count; i++)
        if (!routes[i].route)
            return &routes[i];
    if (route_count == ROUTES_MAX)
        return NULL;
    more = realloc(routes, (route_count + 1) * sizeof *routes);
    if (!more)
        return NULL;
    routes = more;
    return &routes[route_count++];
}

int link_route_add(const char *host, int port, const struct link_driver *driver, void *route,
                   struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct link_route added = { .port = port, .driver = driver, .route = route }, *to;
    const struct link_route *other;
    int r = 0;

    pthread_once(&once, watch_forks);
    if (!lower_host(host, added.host))
        return err_set(err, -EINVAL, "'%s' is no host", host);
    pthread_mutex_lock(&lock);
    other = find_route(added.host, port);
    if (other && strcmp(other->host, added.host) == 0)
        r = err_set(err, -EEXIST, "another double of this test has '%s:%d'", host, port);
    else if (!(to = free_route()))
        r = err_set(err, -ENOMEM, "there are %d doubles already", ROUTES_MAX);
    else
        *to = added;
    set_active();
    pthread_mutex_unlock(&lock);
    return r;
}

void link_route_remove(void *route)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < route_count; i++)
        if (routes[i].route == route)
            routes[i].route = NULL;
    set_active();
    pthread_mutex_unlock(&lock);
}

/* ---- what is allowed */

static int parse_rule(const char *text, struct rule *ret, struct err *err)
{
    const char *colon = strrchr(text, ':');
    char host[LINK_HOST_MAX], *end;
    long port = 0;

    *ret = (struct rule){ 0 };
    if (strcmp(text, "*") == 0)
        return 0;
    if (colon && strchr(text, ':') != colon && text[0] != '[') /* a bare IPv6 address */
        colon = NULL;
    if (colon) {
        port = strtol(colon + 1, &end, 10);
        if (end == colon + 1 || *end || port < 1 || port > 65535)
            return err_set(err, -EINVAL,
                           "'%s' is no destination: write \"host:port\", "
                           "\"host\", \":port\" or \"*\"",
                           text);
    }
    snprintf(host, sizeof host, "%.*s", (int)(colon ? (size_t)(colon - text) : strlen(text)),
             text);
    if (host[0] == '[' && host[strlen(host) - 1] == ']') {
        host[strlen(host) - 1] = '\0';
        memmove(host, host + 1, strlen(host));
    }
    ret->port = (int)port;
    if (*host && (!lower_host(host, ret->host) || strpbrk(host, "/ @")))
        return err_set(err, -EINVAL,
                       "'%s' is no destination: write \"host:port\", \"host\", "
                       "\":port\" or \"*\"",
                       text);
    return 0;
}

static int add_rule(const char *destination, int fault, struct err *err)
{
    struct rule rule;
    int r = parse_rule(destination, &rule, err);

    if (r < 0)
        return r;
    rule.fault = fault;
    pthread_mutex_lock(&lock);
    if (allowed_count == ALLOWED_MAX)
        r = err_set(err, -ENOBUFS, "more than %d destinations were allowed or broken",
                    ALLOWED_MAX);
    else
        allowed[allowed_count++] = rule;
    set_active();
    pthread_mutex_unlock(&lock);
    return r;
}

int link_allow(const char *destination, struct err *err)
{
    return add_rule(destination, LINK_PASS, err);
}

int link_break(const char *destination, enum link_breakage how, struct err *err)
{
    return add_rule(destination, (int)how, err);
}

static void forget(const char *destination, bool allowance)
{
    struct rule rule;

    if (parse_rule(destination, &rule, NULL) < 0)
        return;
    pthread_mutex_lock(&lock);
    for (size_t i = allowed_count; i-- > 0;) {
        if ((allowed[i].fault == LINK_PASS) != allowance || allowed[i].port != rule.port ||
            strcmp(allowed[i].host, rule.host) != 0)
            continue;
        memmove(&allowed[i], &allowed[i + 1], (--allowed_count - i) * sizeof *allowed);
        if (allowance)
            break; /* one for each link_allow */
    }
    set_active();
    pthread_mutex_unlock(&lock);
}

void link_allow_end(const char *destination)
{
    forget(destination, true);
}

void link_mend(const char *destination)
{
    forget(destination, false);
}

bool link_allows_others(void)
{
    bool any = false;

    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < allowed_count; i++)
        any |= allowed[i].fault == LINK_PASS;
    pthread_mutex_unlock(&lock);
    return any || denying == 0 || only_tells;
}

/* Port 0: any. The last one said counts. NULL: nothing was said. */
static const struct rule *find_rule(const char *host, int port)
{
    for (size_t i = allowed_count; i-- > 0;) {
        const struct rule *rule = &allowed[i];

        if ((!rule->port || !port || rule->port == port) &&
            (!*rule->host || host_matches(rule->host, host)))
            return rule;
    }
    return NULL;
}

void link_deny(link_refused_fn *fn, void *arg)
{
    pthread_mutex_lock(&lock);
    denying++;
    refused = fn;
    refused_arg = arg;
    set_active();
    pthread_mutex_unlock(&lock);
}

void link_deny_end(void)
{
    pthread_mutex_lock(&lock);
    denying--;
    set_active();
    pthread_mutex_unlock(&lock);
}

void link_deny_only_tells(bool only)
{
    pthread_mutex_lock(&lock);
    only_tells = only;
    pthread_mutex_unlock(&lock);
}

bool link_refuses(void)
{
    bool refuses;

    pthread_mutex_lock(&lock);
    refuses = !only_tells;
    pthread_mutex_unlock(&lock);
    return refuses;
}

void link_tell_refused_by(const struct link_destination *destination, const char *library)
{
    link_refused_fn *fn;
    void *arg;

    pthread_mutex_lock(&lock);
    fn = refused;
    arg = refused_arg;
    pthread_mutex_unlock(&lock);
    if (fn)
        fn(arg, destination->host, destination->port, library);
}

void link_tell_refused(const struct link_destination *destination, const void *caller)
{
    const char *library = "this program";
    Dl_info where = { 0 };

    if (caller && dladdr(caller, &where) && where.dli_fname)
        library = base_name(where.dli_fname);
    link_tell_refused_by(destination, library);
}

/* ---- looking up and judging */

static bool is_this_machine(const char *host)
{
    return strcmp(host, "localhost") == 0 || host_matches(".localhost", host);
}

/* The port is not known: each of them is asked that `route` is like. */
static bool resolves(const struct link_route *like, const char *host)
{
    for (size_t i = 0; i < route_count; i++) {
        const struct link_route *route = &routes[i];

        if (route->route && strcmp(route->host, like->host) == 0 && route->driver->resolves &&
            !route->driver->resolves(route->route, host))
            return false;
    }
    return true;
}

static enum link_lookup look_up(const char *host, uint32_t *ret_address)
{
    const struct link_route *route = find_route(host, 0);
    const struct rule *rule = find_rule(host, 0);

    if (route && !resolves(route, host))
        return LINK_LOOKUP_NONE;
    if (!route && rule && rule->fault == LINK_BREAK_UNKNOWN_HOST)
        return LINK_LOOKUP_NONE;
    if (!route && (is_this_machine(host) || (rule && rule->fault == LINK_PASS) ||
                   ((denying == 0 || only_tells) && !rule)))
        return LINK_LOOKUP_REAL;
    *ret_address = address_of(host);
    return *ret_address ? LINK_LOOKUP_OURS : LINK_LOOKUP_NONE;
}

enum link_lookup link_look_up(const char *name, uint32_t *ret_address)
{
    enum link_lookup found;
    char host[LINK_HOST_MAX];

    if (!link_is_active() || !lower_host(name, host) || is_numeric(host))
        return LINK_LOOKUP_REAL;
    pthread_mutex_lock(&lock);
    found = look_up(host, ret_address);
    pthread_mutex_unlock(&lock);
    return found;
}

/* Host and port of an address; false for one that is none of ours to judge. */
static bool read_address(const struct sockaddr *to, socklen_t size, uint32_t *ret_ipv4,
                         struct link_destination *ret)
{
    const struct sockaddr_in *v4 = (const void *)to;
    const struct sockaddr_in6 *v6 = (const void *)to;

    *ret_ipv4 = 0;
    if (to->sa_family == AF_INET && size >= sizeof *v4) {
        *ret_ipv4 = v4->sin_addr.s_addr;
        ret->port = ntohs(v4->sin_port);
    } else if (to->sa_family == AF_INET6 && size >= sizeof *v6) {
        ret->port = ntohs(v6->sin6_port);
        if (!IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
            inet_ntop(AF_INET6, &v6->sin6_addr, ret->host, sizeof ret->host);
            return true;
        }
        memcpy(ret_ipv4, &v6->sin6_addr.s6_addr[12], sizeof *ret_ipv4);
    } else {
        return false;
    }
    inet_ntop(AF_INET, ret_ipv4, ret->host, sizeof ret->host);
    return true;
}

static bool is_loopback(const char *host, uint32_t ipv4)
{
    return ntohl(ipv4) >> 24 == 127 || strcmp(host, "::1") == 0 || is_this_machine(host);
}

/* A route by one of the names of this machine serves all of them. */
static const struct link_route *find_double(const struct link_destination *to, bool loopback)
{
    const struct link_route *route = find_route(to->host, to->port);

    if (!route && loopback)
        route = find_route("127.0.0.1", to->port);
    if (!route && loopback)
        route = find_route("localhost", to->port);
    return route;
}

static enum link_verdict judge(struct link_destination *to, uint32_t ipv4, bool stream)
{
    bool loopback = is_loopback(to->host, ipv4);
    const struct link_route *route = stream ? find_double(to, loopback) : NULL;
    const struct rule *rule = find_rule(to->host, to->port);

    if (route) {
        to->driver = route->driver;
        to->route = route->route;
        to->listener = forked ? route->listener : 0;
        return LINK_TO_DOUBLE;
    }
    if (rule)
        return rule->fault == LINK_BREAK_NO_ANSWER ? LINK_NO_ANSWER
               : rule->fault == LINK_PASS          ? LINK_PASS
                                                   : LINK_REFUSE_QUIETLY;
    return denying ? LINK_REFUSE : LINK_PASS;
}

enum link_verdict link_judge(const struct sockaddr *to, socklen_t size, bool stream,
                             struct link_destination *ret)
{
    enum link_verdict verdict;
    const char *name;
    uint32_t ipv4;

    *ret = (struct link_destination){ 0 };
    if (!read_address(to, size, &ipv4, ret))
        return LINK_PASS;
    pthread_mutex_lock(&lock);
    name = name_of(ipv4);
    if (name)
        snprintf(ret->host, sizeof ret->host, "%s", name);
    verdict = judge(ret, ipv4, stream);
    pthread_mutex_unlock(&lock);
    if (verdict == LINK_REFUSE && !name &&
        (name_server_is(ret->host, ret->port) ||
         (is_loopback(ret->host, ipv4) && owner_is_ours(ret->port, stream))))
        verdict = LINK_PASS;
    return verdict;
}
