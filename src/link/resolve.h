/* link/resolve.h - looking up names that doubles have taken. */
#ifndef LINK_RESOLVE_H
#define LINK_RESOLVE_H

#include <netdb.h>
#include <stdbool.h>

/* What is looked up in place of a name: the same, or a reserved address as text. */
struct link_name {
    const char *text;
    char address[64];
};

/* false: there is no such host. */
bool link_resolve(const char *node, int family, struct link_name *ret);

/* As getaddrinfo(). */
int link_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                     struct addrinfo **ret, struct link_name *name);

#endif
