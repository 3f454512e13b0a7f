/* http/connection_h2_test.c - servers that speak HTTP/2, asked by libcurl, curl and nghttp. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources connection.c connection_h2.c connection_http1.c exchange.c handler.c origin.c server.c
//seam:sources ../base/*.c ../events/*.c ../test/*.c ../net/*.c ../wire/*.c
//seam:pkg-config openssl
//seam:pkg-config libnghttp2
//seam:pkg-config libcurl

#include <curl/curl.h>
#include <seam/http.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BIG = 3 << 20, MUCH = 8 << 20, TIMEOUT_S = 20 };

/* ---- a client */

struct answer {
    CURL *curl;
    char *body;
    size_t size, room;
    char fields[2000];
    CURLcode code;
};

static size_t keep_body(char *data, size_t size, size_t count, void *arg)
{
    struct answer *answer = arg;

    while (answer->room <= answer->size + size * count) {
        answer->room = answer->room ? 2 * answer->room : 1000;
        answer->body = realloc(answer->body, answer->room);
    }
    memcpy(answer->body + answer->size, data, size * count);
    answer->size += size * count;
    answer->body[answer->size] = '\0';
    return size * count;
}

static size_t keep_field(char *data, size_t size, size_t count, void *arg)
{
    struct answer *answer = arg;

    strncat(answer->fields, data,
            size * count < sizeof answer->fields - strlen(answer->fields) - 1
                ? size * count
                : sizeof answer->fields - strlen(answer->fields) - 1);
    return size * count;
}

static void forget(void *arg)
{
    struct answer *answer = arg;

    curl_easy_cleanup(answer->curl);
    free(answer->body);
}

static struct answer *client(seam_t *t, const char *url, long version)
{
    struct answer *answer = seam_alloc(t, sizeof *answer);

    seam_cleanup(t, forget, answer);
    answer->curl = curl_easy_init();
    curl_easy_setopt(answer->curl, CURLOPT_URL, url);
    curl_easy_setopt(answer->curl, CURLOPT_HTTP_VERSION, version);
    curl_easy_setopt(answer->curl, CURLOPT_CAINFO, seam_http_ca_file(t));
    curl_easy_setopt(answer->curl, CURLOPT_WRITEFUNCTION, keep_body);
    curl_easy_setopt(answer->curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(answer->curl, CURLOPT_HEADERFUNCTION, keep_field);
    curl_easy_setopt(answer->curl, CURLOPT_HEADERDATA, answer);
    curl_easy_setopt(answer->curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(answer->curl, CURLOPT_NOSIGNAL, 1L);
    return answer;
}

static void perform(struct answer *answer)
{
    answer->size = 0;
    answer->fields[0] = '\0';
    answer->code = curl_easy_perform(answer->curl);
}

static struct answer *get(seam_t *t, const char *url)
{
    struct answer *answer = client(t, url, CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);

    perform(answer);
    seam_require_eq(t, curl_easy_strerror(answer->code), curl_easy_strerror(CURLE_OK));
    return answer;
}

static long info(struct answer *answer, CURLINFO which)
{
    long value = -1;

    curl_easy_getinfo(answer->curl, which, &value);
    return value;
}

/* By ALPN. Debian 12's libcurl fails where it uses a connection again that it has by prior knowledge
 * (github.com/curl/curl/issues/10634), so whatever asks twice comes this way. */
static struct answer *tls_client(seam_t *t, seam_http_server *server, const char *path)
{
    return client(t, seam_http_url(server, path), CURL_HTTP_VERSION_2TLS);
}

/* ---- which protocol is spoken */

static void describe(seam_http_exchange *x, void *arg)
{
    size_t size;
    const char *body = seam_http_body(x, &size);

    (void)arg;
    seam_http_printf(x, "%s %s %s host=%s %zu %.10s", seam_http_version(x), seam_http_method(x),
                     seam_http_target(x), seam_http_field(x, "Host") ? "yes" : "no", size,
                     body);
}

SEAM_TEST(h2_server_by_prior_knowledge)
{
    seam_http_server *server = seam_http_serve(t, describe, NULL, .http2 = true);
    struct answer *answer =
        client(t, seam_http_url(server, "/a?b=c"), CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);

    curl_easy_setopt(answer->curl, CURLOPT_POSTFIELDS, "hello");
    perform(answer);
    seam_require_eq(t, answer->code, CURLE_OK);
    seam_check_str(t, answer->body, "HTTP/2 POST /a?b=c host=yes 5 hello");
    seam_check_eq(t, info(answer, CURLINFO_HTTP_VERSION), CURL_HTTP_VERSION_2_0);
}

SEAM_TEST(h2_server_speaks_http1_too)
{
    seam_http_server *server = seam_http_serve(t, describe, NULL, .http2 = true);
    struct answer *answer = client(t, seam_http_url(server, "/"), CURL_HTTP_VERSION_1_1);

    perform(answer);
    seam_require_eq(t, answer->code, CURLE_OK);
    seam_check_str(t, answer->body, "HTTP/1.1 GET / host=yes 0 ");
}

SEAM_TEST(h2_server_by_alpn)
{
    seam_http_server *server = seam_http_serve(t, describe, NULL, .tls = true, .http2 = true);
    struct answer *answer = tls_client(t, server, "/");

    for (int i = 0; i < 3; i++) {
        perform(answer);
        seam_require_eq(t, answer->code, CURLE_OK);
        seam_check_str(t, answer->body, "HTTP/2 GET / host=yes 0 ");
        seam_check_eq(t, info(answer, CURLINFO_NUM_CONNECTS), i == 0);
    }
}

SEAM_TEST(h2_is_spoken_where_both_want_it)
{
    seam_http_server *both = seam_http_serve(t, describe, NULL, .tls = true, .http2 = true);
    seam_http_server *one = seam_http_serve(t, describe, NULL, .tls = true);
    struct answer *answers[] = { client(t, seam_http_url(both, "/"), CURL_HTTP_VERSION_1_1),
                                 tls_client(t, one, "/") };

    for (int i = 0; i < 2; i++) {
        perform(answers[i]);
        seam_require_eq(t, answers[i]->code, CURLE_OK);
        seam_check_str(t, answers[i]->body, "HTTP/1.1 GET / host=yes 0 ");
    }
}

/* ---- exchanges at once */

/* The first request is answered when all others are there. */
static void wait_for_all(seam_http_exchange *x, void *arg)
{
    atomic_int *missing = arg;

    atomic_fetch_sub(missing, 1);
    for (int i = 0; atomic_load(missing) > 0 && i < 2000; i++)
        seam_http_wait(x, 5);
    seam_http_printf(x, "%s %d", seam_http_path(x), atomic_load(missing));
}

static void perform_at_once(seam_t *t, struct answer **answers, int count)
{
    CURLM *multi = curl_multi_init();
    CURLMsg *message;
    int running = count, left;

    curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, 1L);
    for (int i = 0; i < count; i++) {
        curl_easy_setopt(answers[i]->curl, CURLOPT_PIPEWAIT, 1L);
        curl_easy_setopt(answers[i]->curl, CURLOPT_PRIVATE, answers[i]);
        curl_multi_add_handle(multi, answers[i]->curl);
    }
    while (running > 0) {
        curl_multi_perform(multi, &running);
        curl_multi_poll(multi, NULL, 0, 100, NULL);
    }
    while ((message = curl_multi_info_read(multi, &left)))
        seam_check_eq(t, message->data.result, CURLE_OK);
    for (int i = 0; i < count; i++)
        curl_multi_remove_handle(multi, answers[i]->curl);
    curl_multi_cleanup(multi);
}

SEAM_TEST(h2_server_answers_several_requests_of_a_connection_at_once)
{
    enum { COUNT = 8 };
    static atomic_int missing = COUNT;
    seam_http_server *server =
        seam_http_serve(t, wait_for_all, &missing, .http2 = true, .tls = true);
    struct answer *answers[COUNT];
    long connections = 0;

    for (int i = 0; i < COUNT; i++)
        answers[i] = tls_client(t, server, seam_format(t, "/%d", i));
    perform_at_once(t, answers, COUNT);
    for (int i = 0; i < COUNT; i++) {
        seam_check_str(t, answers[i]->body, seam_format(t, "/%d 0", i));
        connections += info(answers[i], CURLINFO_NUM_CONNECTS);
    }
    seam_check_eq(t, connections, 1);
}

/* ---- bodies */

static char *letters(seam_t *t, size_t size)
{
    char *text = seam_alloc(t, size + 1);

    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + (i * 7 + i / 1000) % 26);
    return text;
}

static void echo(seam_http_exchange *x, void *arg)
{
    size_t size;
    const char *body = seam_http_body(x, &size);

    (void)arg;
    seam_http_write(x, body, size);
}

static void set_body(struct answer *answer, const char *body, size_t size)
{
    curl_easy_setopt(answer->curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(answer->curl, CURLOPT_POSTFIELDSIZE, (long)size);
}

SEAM_TEST(h2_server_big_bodies)
{
    seam_http_server *server = seam_http_serve(t, echo, NULL, .http2 = true);
    const char *body = letters(t, BIG);
    struct answer *answer =
        client(t, seam_http_url(server, "/"), CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);

    set_body(answer, body, BIG);
    perform(answer);
    seam_require_eq(t, answer->code, CURLE_OK);
    seam_check_mem(t, answer->body, answer->size, body, BIG);
}

SEAM_TEST(h2_server_big_bodies_at_once)
{
    seam_http_server *server = seam_http_serve(t, echo, NULL, .http2 = true, .tls = true);
    const char *body = letters(t, BIG);
    struct answer *answers[3];

    for (size_t i = 0; i < 3; i++) {
        answers[i] = tls_client(t, server, "/");
        set_body(answers[i], body + i, BIG - i);
    }
    perform_at_once(t, answers, 3);
    for (size_t i = 0; i < 3; i++)
        seam_check_mem(t, answers[i]->body, answers[i]->size, body + i, BIG - i);
}

/* Preface, a window of 16 MB for streams and for the connection, GET /. */
static const char greedy[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                             "\0\0\6\4\0\0\0\0\0\0\4\1\0\0\0"
                             "\0\0\4\10\0\0\0\0\0\1\0\0\0"
                             "\0\0\6\1\5\0\0\0\1\x82\x86\x84\x41\1h";

static void answer_much(seam_http_exchange *x, void *arg)
{
    seam_http_write(x, arg, MUCH);
}

/* Its windows stay open; only the socket says when there is room. */
SEAM_TEST(h2_server_client_that_reads_late_and_says_nothing)
{
    seam_http_server *server =
        seam_http_serve(t, answer_much, letters(t, MUCH), .http2 = true, .unix_socket = "");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const struct timeval patience = { .tv_sec = TIMEOUT_S };
    char data[1 << 16];
    size_t got = 0;
    ssize_t size;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", seam_http_socket(server));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    seam_require_ok(t, connect(fd, (struct sockaddr *)&address, sizeof address));
    seam_require_eq(t, send(fd, greedy, sizeof greedy - 1, MSG_NOSIGNAL), sizeof greedy - 1);
    while (got < MUCH && (size = recv(fd, data, sizeof data, 0)) > 0)
        got += (size_t)size;
    seam_check_le(t, MUCH, got);
    close(fd);
}

static void answer_in_parts(seam_http_exchange *x, void *arg)
{
    (void)arg;
    seam_http_inform(x, 103, "Link: </style>");
    seam_http_add_field(x, "X-A", "b");
    seam_http_add_field(x, "Connection", "close");
    seam_http_add_trailer(x, "Sum", "7");
    seam_http_write(x, "one ", 4);
    seam_http_flush(x);
    seam_http_wait(x, 20);
    seam_http_write(x, "two", 3);
}

SEAM_TEST(h2_server_answers_in_parts)
{
    seam_http_server *server = seam_http_serve(t, answer_in_parts, NULL, .http2 = true);
    struct answer *answer = get(t, seam_http_url(server, "/"));

    seam_check_str(t, answer->body, "one two");
    seam_check_str(
        t, answer->fields,
        "HTTP/2 103 \r\nlink: </style>\r\n\r\nHTTP/2 200 \r\nx-a: b\r\n\r\nsum: 7\r\n");
}

SEAM_TEST(h2_server_client_that_waits_for_100)
{
    seam_http_server *server = seam_http_serve(t, echo, NULL, .http2 = true);
    struct curl_slist *expect = curl_slist_append(NULL, "Expect: 100-continue");
    struct answer *answer =
        client(t, seam_http_url(server, "/"), CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);

    curl_easy_setopt(answer->curl, CURLOPT_POSTFIELDS, "hello");
    curl_easy_setopt(answer->curl, CURLOPT_HTTPHEADER, expect);
    perform(answer);
    curl_slist_free_all(expect);
    seam_require_eq(t, answer->code, CURLE_OK);
    seam_check_str(t, answer->body, "hello");
    seam_check_contains(t, answer->fields, "HTTP/2 100 ");
}

/* ---- ends */

static void misbehave(seam_http_exchange *x, void *arg)
{
    const char *path = seam_http_path(x);

    (void)arg;
    if (strcmp(path, "/close") == 0) {
        seam_http_respond(x, 200, NULL, "the last one");
        seam_http_close(x);
    } else if (strcmp(path, "/reset") == 0)
        seam_http_reset(x);
    else if (strcmp(path, "/half") == 0) {
        seam_http_write(x, "half", 4);
        seam_http_flush(x);
        seam_http_reset(x);
    } else if (strcmp(path, "/slow") == 0)
        seam_http_wait(x, 300);
    seam_http_printf(x, " ");
}

SEAM_TEST(h2_server_closes_after_an_answer)
{
    seam_http_server *server = seam_http_serve(t, misbehave, NULL, .http2 = true);
    struct answer *answer = get(t, seam_http_url(server, "/close"));

    seam_check_str(t, answer->body, "the last one ");
    curl_easy_setopt(answer->curl, CURLOPT_URL, seam_http_url(server, "/"));
    perform(answer);
    seam_check_eq(t, answer->code, CURLE_OK);
    seam_check_eq(t, info(answer, CURLINFO_NUM_CONNECTS), 1);
}

SEAM_TEST(h2_server_resets)
{
    static const char *const paths[] = { "/reset", "/half" };
    seam_http_server *server = seam_http_serve(t, misbehave, NULL, .http2 = true);

    for (int i = 0; i < 2; i++) {
        struct answer *answer =
            client(t, seam_http_url(server, paths[i]), CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);

        perform(answer);
        seam_check_ne(t, answer->code, CURLE_OK);
        curl_easy_setopt(answer->curl, CURLOPT_URL, seam_http_url(server, "/"));
        perform(answer);
        seam_check_eq(t, answer->code, CURLE_OK);
    }
}

SEAM_TEST(h2_server_client_that_gives_up)
{
    seam_http_server *server = seam_http_serve(t, misbehave, NULL, .http2 = true);
    struct answer *slow =
        client(t, seam_http_url(server, "/slow"), CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);

    curl_easy_setopt(slow->curl, CURLOPT_TIMEOUT_MS, 50L);
    perform(slow);
    seam_check_eq(t, slow->code, CURLE_OPERATION_TIMEDOUT);
    seam_check_eq(t, get(t, seam_http_url(server, "/"))->size, 1);
}

SEAM_TEST(h2_server_stops_under_requests)
{
    seam_http_server *server = seam_http_serve(t, misbehave, NULL, .http2 = true);
    struct answer *answer = get(t, seam_http_url(server, "/"));

    seam_http_stop(server);
    perform(answer);
    seam_check_ne(t, answer->code, CURLE_OK);
}

/* ---- other clients, where they are installed */

static const char *output_of(seam_t *t, const char *command)
{
    char *text = seam_alloc(t, 20000);
    FILE *pipe = popen(command, "r");
    size_t size;

    seam_require(t, pipe);
    size = fread(text, 1, 19999, pipe);
    text[size] = '\0';
    seam_log(t, "%s: status %d", command, pclose(pipe));
    return text;
}

static void need(seam_t *t, const char *program)
{
    if (system(seam_format(t, "command -v %s >/dev/null", program)) != 0)
        seam_skip(t, "%s is not installed", program);
}

SEAM_TEST(h2_server_asked_by_curl)
{
    seam_http_server *plain = seam_http_serve(t, describe, NULL, .http2 = true);
    seam_http_server *tls = seam_http_serve(t, describe, NULL, .http2 = true, .tls = true);

    need(t, "curl");
    seam_check_contains(
        t,
        output_of(t, seam_format(t, "curl -s --http2-prior-knowledge -d 12345 %s",
                                 seam_http_url(plain, "/x"))),
        "HTTP/2 POST /x host=yes 5 12345");
    seam_check_contains(
        t,
        output_of(t, seam_format(t, "curl -s --http2 --cacert %s %s", seam_http_ca_file(t),
                                 seam_http_url(tls, "/y"))),
        "HTTP/2 GET /y host=yes 0 ");
    /* It asks for an upgrade, and goes on without it. */
    seam_check_contains(
        t, output_of(t, seam_format(t, "curl -s --http2 %s", seam_http_url(plain, "/z"))),
        "HTTP/1.1 GET /z host=yes 0 ");
}

SEAM_TEST(h2_server_asked_by_nghttp)
{
    seam_http_server *plain = seam_http_serve(t, describe, NULL, .http2 = true);
    seam_http_server *tls = seam_http_serve(t, describe, NULL, .http2 = true, .tls = true);

    need(t, "nghttp");
    seam_check_contains(t,
                        output_of(t, seam_format(t, "nghttp %s", seam_http_url(plain, "/x"))),
                        "HTTP/2 GET /x host=yes 0 ");
    seam_check_contains(
        t,
        output_of(t, seam_format(t, "nghttp -v -m 50 -w 10 %s 2>&1", seam_http_url(tls, "/y"))),
        "negotiated protocol: h2");
}

SEAM_TEST(h2_client_that_chose_it_and_speaks_http1_is_refused)
{
    seam_http_server *server = seam_http_serve(t, describe, NULL, .http2 = true, .tls = true);
    const char *answer;

    need(t, "openssl");
    answer =
        output_of(t, seam_format(t,
                                 "printf 'GET / HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n' | openssl "
                                 "s_client -quiet -alpn h2 -connect 127.0.0.1:%d 2>&1",
                                 seam_http_port(server)));
    seam_check(t, !strstr(answer, "HTTP/1.1 GET"));
}
