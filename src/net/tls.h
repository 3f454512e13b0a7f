/*
 * net/tls.h - the server's side of TLS without I/O, and the certificates of a test. Nothing but net/tls*.c
 * knows OpenSSL.
 *
 * The authority (CA) exists once in a process, from the first use until its end; its key never leaves
 * memory. It and its certificates are valid from 1970 to 9999, so that a test may move its clock, and its
 * subject is unique. All keys are P-256; leaves share one key and are made once per name.
 *
 * It may run in the middle of a client's own call of OpenSSL on the same thread (the inline driver): it
 * leaves the thread's queue of errors as it found it.
 *
 * Threads: the loop's lock is held for all of it.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum tls_flaw { TLS_SOUND, TLS_EXPIRED, TLS_WRONG_NAME, TLS_UNKNOWN_CA };

struct tls_server; /* what all connections of one server share */
struct tls_side; /* one connection */

struct tls_options {
    const char *const *
        names; /* of the certificate: names and addresses, up to a NULL; the name that the client
                                 asks for (SNI) is added when `any_name` */
    bool any_name;
    bool http2; /* offer h2 before http/1.1 */
    const char *client_ca; /* PEM file, or NULL */
    enum tls_flaw flaw;
};

/* The authority as PEM text; NULL and the reason when it cannot be made. It lives as long as the process. */
const char *tls_authority_pem(struct err *err);

int tls_server_new(struct tls_server **ret, const struct tls_options *options, struct err *err);
void tls_server_free(struct tls_server *server); /* NULL is fine; sides that exist go on */

int tls_side_new(struct tls_side **ret, struct tls_server *server);
void tls_side_free(struct tls_side *side);

/* Take what came from the client: plain text is added to `plain`, what must go to the client to `wire`.
 * Returns 1 once the handshake is over, 0 before, -EPROTO when the client cannot be spoken to (`err` has the
 * reason in OpenSSL's words, such as an alert that it sent), -ENOMEM. */
int tls_feed(struct tls_side *side, const void *data, size_t size, struct buf *plain,
             struct buf *wire, struct err *err);

/* Encrypt: what must go to the client is added to `wire`. */
int tls_write(struct tls_side *side, const void *data, size_t size, struct buf *wire);

/* Say that nothing more comes (close_notify). */
void tls_finish(struct tls_side *side, struct buf *wire);

bool tls_is_http2(const struct tls_side *side); /* what ALPN has chosen; after the handshake */
const char *tls_asked_name(const struct tls_side *side); /* SNI, or NULL */

#endif
