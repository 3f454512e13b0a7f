/* link/resolve.c - looking up names that doubles have taken; see resolve.h. */

#include "link/resolve.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link/destination.h"
#include "link/real.h"

bool link_resolve(const char *node, int family, struct link_name *ret)
{
    char dotted[INET_ADDRSTRLEN];
    uint32_t address;

    ret->text = node;
    switch (link_look_up(node, &address)) {
    case LINK_LOOKUP_REAL:
        return true;
    case LINK_LOOKUP_NONE:
        return false;
    case LINK_LOOKUP_OURS:
        break;
    }
    inet_ntop(AF_INET, &address, dotted, sizeof dotted);
    snprintf(ret->address, sizeof ret->address, "%s%s", family == AF_INET6 ? "::ffff:" : "",
             dotted);
    ret->text = ret->address;
    return true;
}

/* libc makes the list, from the address, so that its freeaddrinfo frees it. The canonical name would be the
 * address: it is put right. */
int link_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                     struct addrinfo **ret, struct link_name *name)
{
    int result;

    if (!link_resolve(node, hints ? hints->ai_family : AF_UNSPEC, name))
        return EAI_NONAME;
    result = link_real()->getaddrinfo(name->text, service, hints, ret);
    if (result == 0 && name->text != node && (*ret)->ai_canonname) {
        char *copy = strdup(node);

        if (copy) {
            free((*ret)->ai_canonname);
            (*ret)->ai_canonname = copy;
        }
    }
    return result;
}
