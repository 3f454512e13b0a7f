/*
 * link/owner.h - whose is a listening port of this machine: the run's (a lease, a program that the test
 * spawned, the test's own), or somebody else's.
 *
 * The run's processes carry its marker (base/proc.h); ports of containers are those that the keeper has lent
 * (base/lent_ports.h). The answer is kept for as long
 * as the same socket listens.
 *
 * Threads: any.
 */
#ifndef LINK_OWNER_H
#define LINK_OWNER_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a process of this run listens on the port of TCP (`stream`) or UDP. Nobody at all counts as ours:
 * there is nothing to protect, and the program finds out by itself. */
bool owner_is_ours(int port, bool stream);

/* "postgres, pid 812" of who does; "" when that cannot be seen. */
void owner_describe(int port, char *ret, size_t size);

#endif
