/* service/modules/server_lease.h - between what starts servers (server.c) and what serves leases (server_lease.c). */
#ifndef SERVICE_MODULES_SERVER_LEASE_H
#define SERVICE_MODULES_SERVER_LEASE_H

#include "service/modules/server.h"

/* A server for this request, counted as leased. What is used of the request is taken out of *request. The caller ends
 * trouble->story in either case. */
int server_get(struct keeper *keeper, const struct server_kind *kind, struct request **request,
               struct server **ret, struct server_trouble *trouble);

/* End a server that nobody has any more. */
void server_free(struct server *server);

#endif
