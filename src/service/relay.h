/*
 * service/relay.h - a port on another address of this machine that leads to the same port of 127.0.0.1, where the
 * servers of tests listen: containers reach only the address of their bridge.
 *
 * Threads: any; each connection has a thread of its own and ends with its ends.
 */
#ifndef SERVICE_RELAY_H
#define SERVICE_RELAY_H

#include "base/err.h"

struct relay;

int relay_start(const char *address, int port, struct relay **ret, struct err *err);
void relay_stop(struct relay *relay); /* takes NULL; connections that are open stay */

#endif
