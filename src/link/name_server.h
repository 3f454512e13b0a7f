/*
 * link/name_server.h - which destinations are the system's name servers: a program may ask them by itself, as
 * c-ares does, and no double stands in for them.
 *
 * Threads: any.
 */
#ifndef LINK_NAME_SERVER_H
#define LINK_NAME_SERVER_H

#include <stdbool.h>

/* Whether a file in the form of /etc/resolv.conf names this address. */
bool name_server_is_in(const char *file, const char *address);

/* Whether it is one of the system's. */
bool name_server_is(const char *address, int port);

#endif
