/* http/mock/mock_caller_test.c - programs that call a mock; see mock_test.h. */

#include "mock_test.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* ---- a program with libcurl */

static size_t keep_head(char *data, size_t one, size_t size, void *arg)
{
    struct got *got = arg;
    size_t before = strlen(got->head);

    (void)one;
    if (before + size < sizeof got->head)
        memcpy(got->head + before, data, size);
    return size;
}

size_t caller_keep_body(char *data, size_t one, size_t size, void *arg)
{
    struct got *got = arg;

    (void)one;
    if (got->size + size >= sizeof got->body)
        return 0;
    memcpy(got->body + got->size, data, size);
    got->size += size;
    return size;
}

static void free_caller(void *arg)
{
    struct caller *caller = arg;

    curl_easy_cleanup(caller->easy);
}

struct caller *caller_new(seam_t *t)
{
    struct caller *caller = seam_alloc(t, sizeof *caller);

    caller->easy = curl_easy_init();
    seam_cleanup(t, free_caller, caller);
    return caller;
}

const struct got *caller_perform(struct caller *caller, const char *url)
{
    memset(&caller->got, 0, sizeof caller->got);
    curl_easy_setopt(caller->easy, CURLOPT_URL, url);
    curl_easy_setopt(caller->easy, CURLOPT_HEADERFUNCTION, keep_head);
    curl_easy_setopt(caller->easy, CURLOPT_HEADERDATA, &caller->got);
    curl_easy_setopt(caller->easy, CURLOPT_WRITEFUNCTION, caller_keep_body);
    curl_easy_setopt(caller->easy, CURLOPT_WRITEDATA, &caller->got);
    caller->got.code = curl_easy_perform(caller->easy);
    curl_easy_getinfo(caller->easy, CURLINFO_RESPONSE_CODE, &caller->got.status);
    return &caller->got;
}

const struct got *caller_get(seam_t *t, const char *url)
{
    return caller_perform(caller_new(t), url);
}

const struct got *caller_post(seam_t *t, const char *url, const char *json)
{
    struct caller *caller = caller_new(t);
    struct curl_slist *fields = curl_slist_append(NULL, "Content-Type: application/json");
    const struct got *got;

    curl_easy_setopt(caller->easy, CURLOPT_POSTFIELDS, json);
    curl_easy_setopt(caller->easy, CURLOPT_HTTPHEADER, fields);
    got = caller_perform(caller, url);
    curl_easy_setopt(caller->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(fields);
    return got;
}

/* ---- a program with sockets */

int caller_dial(const char *host, const char *port)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *found;
    int fd = -1;

    if (getaddrinfo(host, port, &hints, &found) != 0)
        return -1;
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) < 0) {
        int saved = errno;

        close(fd);
        errno = saved;
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

int caller_say(int fd, const char *words, char *ret, size_t room, int quiet_ms)
{
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    size_t size = 0;
    ssize_t n;

    send(fd, words, strlen(words), MSG_NOSIGNAL);
    *ret = '\0';
    while (poll(&ready, 1, quiet_ms) > 0) {
        n = recv(fd, ret + size, room - size - 1, 0);
        if (n <= 0)
            return n < 0 ? errno : 0;
        size += (size_t)n;
        ret[size] = '\0';
    }
    return ETIMEDOUT;
}
