/*
 * service/authority.h - the certificate of the servers of a run, for those that tests want to reach by TLS.
 *
 * Its authority exists once in a keeper and dies with it. The certificate is for localhost, 127.0.0.1, ::1 and the host
 * where containers are reached.
 *
 * Threads: any.
 */
#ifndef SERVICE_AUTHORITY_H
#define SERVICE_AUTHORITY_H

#include "service/keeper.h"

struct authority {
    const char *file; /* the authority's certificate, for clients */
    const char *certificate, *key; /* of servers, as PEM */
};

/* The texts live as long as the keeper. `host` may be NULL. */
int authority_get(struct keeper *keeper, const char *host, struct authority *ret,
                  struct err *err);

#endif
