/* net/tls_hash.h - SHA-256 and what is made of it, for protocols that authenticate by it; see pg_server.h. */
#ifndef NET_TLS_HASH_H
#define NET_TLS_HASH_H

#include "wire/pg_server.h"

extern const struct pg_hash tls_hash;

enum { TLS_MD5_TEXT = 33 };

/* MD5 as hexadecimal text with its NUL, for servers that still ask for it. -ENOTSUP. */
int tls_md5(const void *data, size_t size, char ret[TLS_MD5_TEXT]);

/* Bytes nobody can guess. -EIO. */
int tls_random(void *to, size_t size);

#endif
