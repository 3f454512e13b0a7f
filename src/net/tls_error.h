/* net/tls_error.h - OpenSSL's queue of errors: its words, and leaving it as it was found. For net/tls*.c alone. */
#ifndef NET_TLS_ERROR_H
#define NET_TLS_ERROR_H

#include <stddef.h>

#include "base/err.h"

/* Say "<what>: <reason of the first error in the queue>". Returns `code`. */
int tls_error_set(struct err *err, int code, const char *what);

/* What this thread's queue held before. The queue of OpenSSL holds no more than 16. */
struct tls_errors {
    size_t count;
    struct tls_error *at;
};

/* Take the errors out of the queue; put them back, and drop what came meanwhile. */
void tls_errors_take(struct tls_errors *ret);
void tls_errors_put_back(struct tls_errors *errors);

#endif
