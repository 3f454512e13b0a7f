/* net/tls_certificate.h - the authority of a process and the certificates that it signs. For net/tls.c and
 * service/authority.c alone. */
#ifndef NET_TLS_CERTIFICATE_H
#define NET_TLS_CERTIFICATE_H

#include <openssl/x509.h>

#include "net/tls.h"

/* The certificate for these names (up to a NULL) and for `also` (NULL: none). It is borrowed until the next
 * call. NULL and the reason when it cannot be made. */
X509 *tls_certificate(const char *const *names, const char *also, enum tls_flaw flaw,
                      struct err *err);

/* The key of all certificates; there is one once tls_certificate has made one. */
EVP_PKEY *tls_certificate_key(void);

#endif
