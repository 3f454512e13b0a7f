/*
 * http/mock/mock_test.h - the programs of these tests: one with libcurl, one with sockets.
 *
 * Ownership: callers live until the (sub)test ends, with the last answer that each got.
 */
#ifndef HTTP_MOCK_MOCK_TEST_H
#define HTTP_MOCK_MOCK_TEST_H

#include <curl/curl.h>
#include <seam/http_mock.h>

struct got {
    CURLcode code;
    long status;
    char head[4096]; /* all status lines and fields */
    char body[65536];
    size_t size;
};

struct caller {
    CURL *easy;
    struct got got;
};

struct caller *caller_new(seam_t *t);

/* What it got lives until it is used again. */
const struct got *caller_perform(struct caller *caller, const char *url);

/* The same with a caller for this call alone. */
const struct got *caller_get(seam_t *t, const char *url);
const struct got *caller_post(seam_t *t, const char *url, const char *json);

/* Adds to the body of a struct got; for CURLOPT_WRITEFUNCTION. */
size_t caller_keep_body(char *data, size_t one, size_t size, void *arg);

/* A connected socket, or -1 with errno. */
int caller_dial(const char *host, const char *port);

/* Send, and read until the end, or until nothing comes for so long. Returns what ended it: 0, or errno. */
int caller_say(int fd, const char *words, char *ret, size_t room, int quiet_ms);

#endif
