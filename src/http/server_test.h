/*
 * http/server_test.h - clients for the tests of servers: raw sockets and libcurl.
 *
 * Ownership: texts live until the (sub)test ends; descriptors and handles are closed by who asked for them.
 */
#ifndef HTTP_SERVER_TEST_H
#define HTTP_SERVER_TEST_H

#include <curl/curl.h>
#include <seam/http.h>

#define GET(target) "GET " target " HTTP/1.1\r\nHost: h\r\n\r\n"
#define GET_LAST(target) "GET " target " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

int caller_connect(seam_t *t, seam_http_server *server);
void caller_say(seam_t *t, int fd, const char *text);

/* What comes until `end` stands there, or the connection ends: with "(end)" or the reason behind it. */
const char *caller_hear(seam_t *t, int fd, const char *end);

/* Send all of it, and all that comes until the server ends the connection. */
const char *caller_ask(seam_t *t, seam_http_server *server, const char *text);

enum { HEARD_MAX = 65536 };

struct heard {
    char text[HEARD_MAX];
    size_t size;
};

CURL *caller_curl(struct heard *heard);

/* The body of a GET by libcurl; NULL when there is none, with its words in the log. */
const char *caller_get(seam_t *t, CURL *curl, struct heard *heard, const char *url);

/* A handler that says "Hello, World". */
void caller_greet(seam_http_exchange *x, void *arg);

#endif
