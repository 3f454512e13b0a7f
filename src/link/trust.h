/*
 * link/trust.h - an authority that clients of this process trust besides, or instead of, the system's.
 *
 * Two ways: the check of a certificate by OpenSSL and GnuTLS gets it added (whatever file the client had
 * loaded), and where a client opens the system's bundle it gets one with ours: alone as long as nobody else
 * is reached, because reading 140 certificates takes 20 ms for each new handle of libcurl.
 *
 * Threads: any, once link_trust has returned.
 */
#ifndef LINK_TRUST_H
#define LINK_TRUST_H

#include <stdbool.h>
#include <stddef.h>

/* The authority as PEM text; NULL: none. */
const char *link_authority(void);

/* A descriptor to read in the place of the file at `path`, close-on-exec: when that is a bundle of the
 * system and there is an authority. -1 otherwise. */
int link_open_bundle(const char *path);

#endif
