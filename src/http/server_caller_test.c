/* http/server_caller_test.c - clients for the tests of servers; see server_test.h. */

#include "http/server_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int caller_connect(seam_t *t, seam_http_server *server)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)seam_http_port(server)),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const struct timeval patience = { .tv_sec = 5 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    seam_require_ok(t, connect(fd, (struct sockaddr *)&address, sizeof address));
    return fd;
}

void caller_say(seam_t *t, int fd, const char *text)
{
    seam_require_eq(t, send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

const char *caller_hear(seam_t *t, int fd, const char *end)
{
    char *text = seam_alloc(t, HEARD_MAX);
    size_t at = 0;

    while (at < HEARD_MAX - 1 && (!end || !strstr(text, end))) {
        ssize_t size = recv(fd, text + at, HEARD_MAX - 1 - at, 0);

        if (size < 0)
            return seam_format(t, "%s(%s)", text, strerror(errno));
        if (size == 0)
            return seam_format(t, "%s(end)", text);
        at += (size_t)size;
    }
    return text;
}

const char *caller_ask(seam_t *t, seam_http_server *server, const char *text)
{
    int fd = caller_connect(t, server);
    const char *heard;

    caller_say(t, fd, text);
    heard = caller_hear(t, fd, NULL);
    close(fd);
    return heard;
}

static size_t keep(char *data, size_t size, size_t count, void *arg)
{
    struct heard *heard = arg;

    if (heard->size + size * count >= sizeof heard->text)
        return 0;
    memcpy(heard->text + heard->size, data, size * count);
    heard->size += size * count;
    heard->text[heard->size] = '\0';
    return size * count;
}

CURL *caller_curl(struct heard *heard)
{
    CURL *curl = curl_easy_init();

    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, heard);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    return curl;
}

const char *caller_get(seam_t *t, CURL *curl, struct heard *heard, const char *url)
{
    CURLcode code;

    heard->size = 0;
    heard->text[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_URL, url);
    code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        return heard->text;
    seam_log(t, "%s", curl_easy_strerror(code));
    return NULL;
}

void caller_greet(seam_http_exchange *x, void *arg)
{
    (void)arg;
    seam_http_respond(x, 200, "text/plain", "Hello, World");
}
