/* net/tls_hash.h - SHA-256 and what is made of it, for protocols that authenticate by it; see pg_server.h. */
#ifndef NET_TLS_HASH_H
#define NET_TLS_HASH_H

#include "wire/pg_server.h"

extern const struct pg_hash tls_hash;

/* Bytes nobody can guess. -EIO. */
int tls_random(void *to, size_t size);

#endif
