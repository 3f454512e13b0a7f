/*
 * base/lent_ports.h - ports of this machine that the keeper has lent to the test.
 *
 * A server that runs as a process is known by its marker (base/proc.h). What takes connections for a container is a
 * process of the daemon's, or the kernel, which carries none.
 *
 * Threads: any.
 */
#ifndef BASE_LENT_PORTS_H
#define BASE_LENT_PORTS_H

#include <stdbool.h>

/* Remember a port until the process ends; children that are forked later know it. */
void lent_ports_add(int port);

bool lent_ports_have(int port);

#endif
