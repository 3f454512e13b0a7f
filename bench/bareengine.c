/*
 * bench/bareengine.c - how long a container with Redis takes by the Docker Engine's API alone: create, start, ask for
 * the port, PING until PONG.
 *
 *   bareengine SOCKET IMAGE COUNT    ms of each start but the first, a line each; containers are removed, untimed
 */

#include <arpa/inet.h>
#include <curl/curl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/deadline.h"
#include "seam/attr.h"

enum { ANSWER_MAX = 1 << 20, READY_MS = 60000 };

static CURL *easy;

SEAM_NORETURN static void die(const char *what, const char *why)
{
    fprintf(stderr, "bareengine: %s: %s\n", what, why);
    exit(1);
}

static size_t take(char *data, size_t one, size_t count, void *arg)
{
    return buf_add(arg, data, one * count) == 0 ? one * count : 0;
}

/* The connection is kept, as ours is. */
static const char *call(const char *method, const char *path, const char *body)
{
    static struct buf answer = BUF_INIT(ANSWER_MAX);
    struct curl_slist *fields = curl_slist_append(NULL, "Content-Type: application/json");
    char url[512];
    CURLcode code;

    buf_clear(&answer);
    snprintf(url, sizeof url, "http://docker/v1.41%s", path);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fields);
    curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
    code = curl_easy_perform(easy);
    curl_slist_free_all(fields);
    if (code != CURLE_OK)
        die(path, curl_easy_strerror(code));
    return buf_text(&answer);
}

/* The text behind "key":" in an answer. */
static const char *text_of(const char *answer, const char *key, char *ret, size_t size)
{
    const char *at = strstr(answer, key);

    if (!at)
        die(key, "it is not in the answer");
    at += strlen(key);
    snprintf(ret, size, "%.*s", (int)strcspn(at, "\""), at);
    return ret;
}

static bool answers(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    char answer[8] = "";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
              send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6 &&
              recv(fd, answer, 5, MSG_WAITALL) == 5 && strcmp(answer, "+PONG") == 0;

    close(fd);
    return ok;
}

static double start(const char *image)
{
    uint64_t begun = now_ns(), deadline = deadline_after_ms(READY_MS);
    char body[1024], id[80], path[160], port[16];
    const char *found;
    double ms;

    snprintf(body, sizeof body,
             "{\"Image\":\"%s\",\"Cmd\":[\"--save\",\"\",\"--appendonly\",\"no\"],"
             "\"ExposedPorts\":{\"6379/tcp\":{}},\"HostConfig\":{\"PortBindings\":"
             "{\"6379/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"\"}]}}}",
             image);
    text_of(call("POST", "/containers/create", body), "\"Id\":\"", id, sizeof id);
    snprintf(path, sizeof path, "/containers/%s/start", id);
    call("POST", path, "");
    snprintf(path, sizeof path, "/containers/%s/json", id);
    found = strstr(call("GET", path, NULL), "\"NetworkSettings\"");
    text_of(found ? found : "", "\"HostPort\":\"", port, sizeof port);
    while (!answers(atoi(port)) && now_ns() < deadline)
        poll(NULL, 0, 1);
    if (now_ns() >= deadline)
        die(image, "it does not answer");
    ms = (double)(now_ns() - begun) / 1e6;
    snprintf(path, sizeof path, "/containers/%s?force=1&v=1", id);
    call("DELETE", path, "");
    return ms;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        die("usage", "bareengine SOCKET IMAGE COUNT");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, argv[1]);
    start(argv[2]);
    for (int i = 0; i < atoi(argv[3]); i++)
        printf("%.3f\n", start(argv[2]));
    return 0;
}
