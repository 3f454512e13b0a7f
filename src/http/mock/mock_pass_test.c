/* http/mock/mock_pass_test.c - what a mock lets through: to a real origin, over HTTP/2, past it. */

#include "mock_test.h"

#include <errno.h>
#include <netinet/in.h>
#include <seam/net.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- the real origin */

static void real(seam_http_exchange *x, void *arg)
{
    (void)arg;
    seam_http_set_status(x, 203);
    seam_http_add_field(x, "X-Real", "yes");
    seam_http_add_field(x, "X-Target", seam_http_target(x));
    seam_http_add_field(x, "X-Host", seam_http_field(x, "Host"));
    seam_http_printf(x, "%s %s", seam_http_method(x), seam_http_body(x, NULL));
}

static const char *address_of(seam_t *t, const seam_http_server *server)
{
    return seam_format(t, "127.0.0.1:%d", seam_http_port(server));
}

SEAM_TEST(what_no_rule_answers_passes_to_the_real_origin)
{
    seam_http_server *server = seam_http_serve(t, real, NULL);
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    const struct got *got;

    seam_http_mock_pass(mock, address_of(t, server), NULL);
    seam_http_expect(mock, .path = "/mocked", .reply = { { .body = "mocked" } });
    seam_check_str(t, caller_get(t, "http://api.test/mocked")->body, "mocked");
    got = caller_post(t, "http://api.test/a%20b?c=d", "{}");
    seam_check_eq(t, got->status, 203);
    seam_check_str(t, got->body, "POST {}");
    seam_check_contains(t, got->head, "X-Real: yes\r\n");
    seam_check_contains(t, got->head, "X-Target: /a%20b?c=d\r\n");
    seam_check_contains(t, got->head, "X-Host: api.test\r\n");
}

SEAM_TEST(an_overlay_replaces_what_it_has)
{
    seam_http_server *server = seam_http_serve(t, real, NULL);
    seam_http_mock *mock = seam_http_mock_start(t, "http://api.test");
    const seam_http_reply over = { .status = 418, .header = { "X-Real: no" } };
    const struct got *got;

    seam_http_mock_pass(mock, address_of(t, server), &over);
    got = caller_get(t, "http://api.test/x");
    seam_check_eq(t, got->status, 418);
    seam_check_str(t, got->body, "GET ");
    seam_check_contains(t, got->head, "X-Real: no\r\n");
    seam_check(t, !strstr(got->head, "X-Real: yes"));
}

/* The same address leads the program to the mock and the mock to the server. */
SEAM_TEST(a_mock_stands_before_a_server)
{
    seam_http_server *server = seam_http_serve(t, real, NULL);
    seam_http_mock *mock =
        seam_http_mock_start(t, seam_format(t, "http://localhost:%d", seam_http_port(server)));

    seam_http_mock_pass(mock, NULL, NULL);
    seam_http_expect(mock, .path = "/mocked", .reply = { { .body = "mocked" } });
    seam_check_str(t, caller_get(t, seam_http_mock_url(mock, "/mocked"))->body, "mocked");
    seam_check_str(t, caller_get(t, seam_http_mock_url(mock, "/x"))->body, "GET ");
    seam_check_eq(t, seam_http_mock_count(mock), 2);
}

SEAM_TEST(a_real_origin_is_reached_over_tls)
{
    seam_http_server *server = seam_http_serve(t, real, NULL, .tls = true);
    seam_http_mock *mock = seam_http_mock_start(t, "https://example.com");

    seam_http_mock_pass(mock, address_of(t, server), NULL);
    seam_check_str(t, caller_post(t, "https://example.com/", "{}")->body, "POST {}");
}

/* ---- HTTP/2 */

SEAM_TEST(http2_is_spoken_where_it_is_asked_for)
{
    seam_http_mock *mock = seam_http_mock_start(t, "https://api.test", .http2 = true);
    struct caller *caller = caller_new(t);
    long version = 0;

    seam_http_expect(mock, .path = "/a", .reply = { { .json = "{'a': 1}" } });
    seam_http_expect(mock, .path = "/b",
                     .reply = { { .body = "0123456789", .drip_bytes = 4, .drip_ms = 1 } });
    seam_http_expect(
        mock, .path = "/c",
        .reply = { { .body = "01234", .fault = SEAM_HTTP_RESET, .fault_after = 2 } });
    seam_check_str(t, caller_perform(caller, "https://api.test/a")->body, "{\"a\": 1}");
    curl_easy_getinfo(caller->easy, CURLINFO_HTTP_VERSION, &version);
    seam_check_eq(t, version, CURL_HTTP_VERSION_2_0);
    seam_check_str(t, caller_perform(caller, "https://api.test/b")->body, "0123456789");
    seam_check_ne(t, caller_perform(caller, "https://api.test/c")->code, CURLE_OK);
    seam_check_eq(t, seam_http_mock_call(mock, 0)->url, "https://api.test/a");
}

/* ---- what is not mocked */

SEAM_TEST(what_is_allowed_passes_beside_a_mock)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    char port[16];
    int fd;

    seam_http_mock_start(t, "http://api.test");
    bind(listener, (struct sockaddr *)&at, sizeof at);
    listen(listener, 1);
    getsockname(listener, (struct sockaddr *)&at, &size);
    snprintf(port, sizeof port, "%d", ntohs(at.sin_port));
    fd = caller_dial("127.0.0.1", port); /* a listener of the test's own */
    seam_check_le(t, 0, fd);
    close(fd);
    seam_net_break(t, seam_format(t, "127.0.0.1:%s", port), SEAM_NET_REFUSED);
    fd = caller_dial("127.0.0.1", port);
    seam_check_eq(t, fd, -1);
    seam_check_eq(t, errno, ECONNREFUSED);
    seam_net_mend(t, seam_format(t, "127.0.0.1:%s", port));
    fd = caller_dial("127.0.0.1", port);
    seam_check_le(t, 0, fd);
    close(fd);
    close(listener);
}
