/*
 * proxy/proxy_test.h - a proxy between two ends, for its tests.
 *
 * Ownership: descriptors are closed by who asked for them.
 */
#ifndef PROXY_PROXY_TEST_H
#define PROXY_PROXY_TEST_H

#include <seam/proxy.h>

enum { SOON_MS = 5000 };

/* A server that listens, a proxy to it, and a connection through both. */
struct line {
    int listener;
    int port;
    seam_proxy *proxy;
    int client, server; /* -1: none */
};

struct line line_start(seam_t *t); /* without a connection */
int line_connect(int port); /* to 127.0.0.1; -errno when it cannot */
bool line_none_is_open(void *proxy);

#endif
