/*
 * bench/barehttp.c - what libcurl by itself takes for a request that is answered in its own send().
 *
 *   barehttp COUNT    microseconds, the median of COUNT requests on one connection
 *
 * The limit of a mock: the program's libcurl, a socketpair, a fixed answer, and nothing that looks at the
 * request.
 */

#include <arpa/inet.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/deadline.h"
#include "seam/attr.h"

static int ends[2] = { -1, -1 }; /* the client's and ours */

SEAM_NORETURN static void die(const char *what)
{
    fprintf(stderr, "barehttp: %s\n", what);
    exit(1);
}

/* ---- what libcurl calls instead of libc */

ssize_t send(int fd, const void *data, size_t size, int flags)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    static ssize_t (*libc_send)(int, const void *, size_t, int);

    if (fd == ends[0]) {
        if (write(ends[1], answer, sizeof answer - 1) < 0)
            die("the socketpair is full");
        return (ssize_t)size;
    }
    if (!libc_send)
        *(void **)&libc_send = dlsym(RTLD_NEXT, "send");
    return libc_send(fd, data, size, flags);
}

/* The client's descriptor becomes an end of a socketpair. */
int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t size)
{
    int pair[2], flags = fcntl(fd, F_GETFL);

    (void)address;
    (void)size;
    if (ends[0] >= 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        die("the connection was not kept");
    dup2(pair[0], fd);
    close(pair[0]);
    fcntl(fd, F_SETFL, flags);
    ends[0] = fd;
    ends[1] = pair[1];
    return 0;
}

/* Where there is no address libcurl does not use a connection again. */
static int name(struct sockaddr *to, socklen_t *size)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(80),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    memcpy(to, &address, *size < sizeof address ? *size : sizeof address);
    *size = sizeof address;
    return 0;
}

int getpeername(int fd, __SOCKADDR_ARG to, socklen_t *size)
{
    (void)fd;
    return name(to.__sockaddr__, size);
}

int getsockname(int fd, __SOCKADDR_ARG to, socklen_t *size)
{
    (void)fd;
    return name(to.__sockaddr__, size);
}

/* ---- */

static size_t take(char *data, size_t size, size_t count, void *body)
{
    memcpy(body, data, size * count < 3 ? size * count : 3);
    return size * count;
}

static CURL *make_client(char body[4])
{
    CURL *curl = curl_easy_init();

    if (!curl)
        die("out of memory");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    return curl;
}

static double get(CURL *curl, int number, char body[4])
{
    char url[64];
    uint64_t begin = now_ns();

    snprintf(url, sizeof url, "http://127.0.0.1/p/%06d", number);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    memset(body, 0, 4);
    if (curl_easy_perform(curl) != CURLE_OK || strcmp(body, "ok") != 0)
        die("no answer");
    return (double)(now_ns() - begin) / 1e3;
}

static int ascending(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return left < right ? -1 : left > right;
}

int main(int argc, char **argv)
{
    int count = argc == 2 ? atoi(argv[1]) : 0;
    double *us = calloc((size_t)count + 1, sizeof *us);
    char body[4];
    CURL *curl = make_client(body);

    if (count < 1 || !us)
        die("usage: barehttp COUNT");
    for (int i = -count / 10; i < count; i++)
        us[i < 0 ? 0 : i] = get(curl, 0, body);
    qsort(us, (size_t)count, sizeof *us, ascending);
    printf("%.3f\n", us[count / 2]);
    curl_easy_cleanup(curl);
    free(us);
    return 0;
}
