/* proxy/proxy_test.c - what a client and a server of a proxy see, over real sockets. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seam/proxy.h>
#include <seam/seam.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/deadline.h"
#include "proxy/proxy_test.h"
#include "test/trial_test.h"

/* ---- two ends */

enum { A_WHILE_MS = 30 };

static int listen_anywhere(seam_t *t, int *ret_port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    seam_require_ok(t, bind(fd, (struct sockaddr *)&at, sizeof at));
    seam_require_ok(t, listen(fd, 8));
    seam_require_ok(t, getsockname(fd, (struct sockaddr *)&at, &size));
    *ret_port = ntohs(at.sin_port);
    return fd;
}

int line_connect(int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const struct timeval soon = { .tv_sec = SOON_MS / 1000 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    error = errno;
    close(fd);
    return -error;
}

static int take_client(seam_t *t, const struct line *line)
{
    const struct timeval soon = { .tv_sec = SOON_MS / 1000 };
    int fd = accept4(line->listener, NULL, NULL, SOCK_CLOEXEC);

    seam_require_le(t, 0, fd);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
    return fd;
}

static void connect_both(seam_t *t, struct line *line)
{
    line->client = line_connect(seam_proxy_port(line->proxy));
    seam_require_le(t, 0, line->client);
    line->server = take_client(t, line);
}

static void hang_up(struct line *line)
{
    close(line->client);
    close(line->server);
}

struct line line_start(seam_t *t)
{
    struct line line = { .client = -1, .server = -1 };

    line.listener = listen_anywhere(t, &line.port);
    line.proxy = seam_proxy_start(t, .port = line.port);
    return line;
}

static struct line start(seam_t *t)
{
    struct line line = line_start(t);

    connect_both(t, &line);
    return line;
}

static void stop(struct line *line)
{
    hang_up(line);
    close(line->listener);
}

static void say(seam_t *t, int fd, const char *text)
{
    seam_require_eq(t, send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What comes, up to so many bytes; behind it "(end)" or what went wrong before. */
static const char *hear(seam_t *t, int fd, size_t size)
{
    char data[256];
    size_t at = 0;
    ssize_t got = 1;

    while (at < size && (got = recv(fd, data + at, size - at, 0)) > 0)
        at += (size_t)got;
    if (at == size)
        return seam_format(t, "%.*s", (int)at, data);
    return seam_format(t, "%.*s(%s)", (int)at, data, got == 0 ? "end" : strerror(errno));
}

static bool is_silent(int fd)
{
    struct pollfd wanted = { .fd = fd, .events = POLLIN };

    return poll(&wanted, 1, A_WHILE_MS) == 0;
}

bool line_none_is_open(void *arg)
{
    return seam_proxy_open(arg) == 0;
}

static bool one_is_open(void *arg)
{
    return seam_proxy_open(arg) == 1;
}

static uint64_t ms_since(uint64_t begin_ns)
{
    return (now_ns() - begin_ns) / 1000000u;
}

/* ---- passing on */

SEAM_TEST(bytes_pass_and_are_counted)
{
    struct line line = start(t);

    say(t, line.client, "hello");
    seam_check_eq(t, hear(t, line.server, 5), "hello");
    say(t, line.server, "hi");
    seam_check_eq(t, hear(t, line.client, 2), "hi");
    seam_check_eq(t, seam_proxy_host(line.proxy), "127.0.0.1");
    seam_check_eq(t, seam_proxy_connections(line.proxy), 1);
    seam_check_eq(t, seam_proxy_open(line.proxy), 1);
    seam_check_eq(t, seam_proxy_bytes(line.proxy, SEAM_PROXY_TO_SERVER), 5);
    seam_check_eq(t, seam_proxy_bytes(line.proxy, SEAM_PROXY_TO_CLIENT), 2);
    seam_check_eq(t, seam_proxy_bytes(line.proxy, SEAM_PROXY_BOTH), 7);
    stop(&line);
    seam_check_eventually(t, SOON_MS, line_none_is_open, line.proxy);
    seam_check_eq(t, seam_proxy_connections(line.proxy), 1);
}

SEAM_TEST(each_side_ends_by_itself)
{
    struct line line = start(t);

    say(t, line.client, "question");
    shutdown(line.client, SHUT_WR);
    seam_check_eq(t, hear(t, line.server, 50), "question(end)");
    say(t, line.server, "answer");
    seam_check_eq(t, hear(t, line.client, 6), "answer");
    seam_check_eq(t, seam_proxy_open(line.proxy), 1);
    close(line.server);
    line.server = -1;
    seam_check_eq(t, hear(t, line.client, 50), "(end)");
    seam_check_eventually(t, SOON_MS, line_none_is_open, line.proxy);
    stop(&line);
}

SEAM_TEST(a_reset_is_passed_on)
{
    const struct linger none = { .l_onoff = 1 };
    struct line line = start(t);

    setsockopt(line.client, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close(line.client);
    line.client = -1;
    seam_check_eq(t, hear(t, line.server, 50), "(Connection reset by peer)");
    stop(&line);
}

SEAM_TEST(a_server_that_is_not_there_resets)
{
    struct line line = line_start(t);
    int client;

    close(line.listener);
    client = line_connect(seam_proxy_port(line.proxy));
    seam_require_le(t, 0, client);
    seam_check_eq(t, hear(t, client, 50), "(Connection reset by peer)");
    close(client);
    seam_check_eq(t, seam_proxy_open(line.proxy), 0);
}

/* Its reader waits until the writer is held up. */
SEAM_TEST(a_reader_that_is_slow_holds_up_the_writer)
{
    enum { ALL = 64 << 20 };
    struct line line = start(t);
    char data[1 << 16] = "", got[1 << 16];
    size_t sent = 0, read = 0;
    ssize_t n;

    fcntl(line.client, F_SETFL, O_NONBLOCK);
    while (sent < ALL) {
        struct pollfd wanted = { .fd = line.client, .events = POLLOUT };

        if (poll(&wanted, 1, 200) == 0)
            break;
        n = send(line.client, data, sizeof data, MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
    }
    seam_check_lt(t, sent, (size_t)ALL);
    while (read < sent && (n = recv(line.server, got, sizeof got, 0)) > 0)
        read += (size_t)n;
    seam_check_eq(t, read, sent);
    seam_check_eq(t, seam_proxy_bytes(line.proxy, SEAM_PROXY_TO_SERVER), (int64_t)sent);
    stop(&line);
}

SEAM_TEST(unix_sockets_on_both_sides)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    const char *server_path = seam_path(t, "%s/server", seam_tempdir(t));
    const char *proxy_path = seam_path(t, "%s/proxy", seam_tempdir(t));
    struct line line = { .listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };

    snprintf(at.sun_path, sizeof at.sun_path, "%s", server_path);
    seam_require_ok(t, bind(line.listener, (struct sockaddr *)&at, sizeof at));
    seam_require_ok(t, listen(line.listener, 8));
    line.proxy = seam_proxy_start(t, .unix_socket = server_path, .listen_socket = proxy_path);
    seam_check_eq(t, seam_proxy_port(line.proxy), 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", proxy_path);
    line.client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    seam_require_ok(t, connect(line.client, (struct sockaddr *)&at, sizeof at));
    line.server = take_client(t, &line);
    say(t, line.client, "hello");
    seam_check_eq(t, hear(t, line.server, 5), "hello");
    seam_proxy_toxic(line.proxy, .reset = true);
    seam_check_eq(t, hear(t, line.client, 5), "(end)");
    seam_proxy_down(line.proxy);
    seam_check_ne(t, access(proxy_path, F_OK), 0);
    seam_proxy_up(line.proxy);
    seam_check_ok(t, access(proxy_path, F_OK));
    stop(&line);
}

/* ---- faults */

SEAM_TEST(latency_is_at_least_that)
{
    struct line line = start(t);
    uint64_t begin_ns = now_ns();

    seam_proxy_toxic(line.proxy, .direction = SEAM_PROXY_TO_CLIENT, .latency_ms = 60);
    say(t, line.client, "a");
    seam_check_eq(t, hear(t, line.server, 1), "a");
    say(t, line.server, "b");
    seam_check_eq(t, hear(t, line.client, 1), "b");
    seam_check_le(t, 60, ms_since(begin_ns));
    stop(&line);
}

SEAM_TEST(directions_have_faults_of_their_own)
{
    struct line line = start(t);

    seam_proxy_toxic(line.proxy, .stall = true);
    seam_proxy_toxic(line.proxy, .direction = SEAM_PROXY_TO_SERVER);
    say(t, line.client, "there");
    seam_check_eq(t, hear(t, line.server, 5), "there");
    say(t, line.server, "back");
    seam_check(t, is_silent(line.client));
    seam_proxy_toxic(line.proxy, .direction = SEAM_PROXY_TO_CLIENT);
    seam_check_eq(t, hear(t, line.client, 4), "back");
    stop(&line);
}

SEAM_TEST(bytes_a_second_take_their_time)
{
    struct line line = start(t);
    uint64_t begin_ns = now_ns();

    seam_proxy_toxic(line.proxy, .bytes_per_second = 1000);
    say(t, line.client, "0123456789012345678901234567890123456789");
    seam_check_eq(t, strlen(hear(t, line.server, 40)), 40);
    seam_check_le(t, 40, ms_since(begin_ns));
    stop(&line);
}

SEAM_TEST(pieces_come_one_by_one)
{
    struct line line = start(t);
    uint64_t begin_ns = now_ns();
    char data[16];

    seam_proxy_toxic(line.proxy, .piece = 2, .piece_gap_ms = 20);
    say(t, line.client, "abcde");
    seam_check_le(t, recv(line.server, data, sizeof data, 0),
                  4); /* two, unless this was held up */
    hear(t, line.server, 1);
    seam_check_le(t, 20, ms_since(begin_ns));
    stop(&line);
}

SEAM_TEST(a_cut_comes_after_so_many_bytes)
{
    struct line line = start(t);

    seam_proxy_toxic(line.proxy, .cut_after = 3);
    say(t, line.client, "abcdef");
    seam_check_eq(t, hear(t, line.server, 50), "abc(end)");
    seam_check_eq(t, hear(t, line.client, 50), "(end)");
    seam_check_eq(t, seam_proxy_bytes(line.proxy, SEAM_PROXY_TO_SERVER), 3);
    seam_check_eq(t, seam_proxy_open(line.proxy), 0);
    stop(&line);
}

SEAM_TEST(a_reset_comes_after_so_many_bytes)
{
    struct line line = start(t);

    seam_proxy_toxic(line.proxy, .direction = SEAM_PROXY_TO_CLIENT, .cut_after = 3,
                     .reset = true);
    say(t, line.client, "whole");
    seam_check_eq(t, hear(t, line.server, 5), "whole");
    say(t, line.server, "abcdef");
    seam_check_eq(t, hear(t, line.client, 50), "abc(Connection reset by peer)");
    seam_check_eq(t, hear(t, line.server, 50), "(Connection reset by peer)");
    stop(&line);
}

SEAM_TEST(a_cut_by_time_needs_no_bytes)
{
    struct line line = start(t);
    uint64_t begin_ns = now_ns();

    seam_proxy_toxic(line.proxy, .stall = true, .cut_after_ms = 40);
    say(t, line.client, "never heard");
    seam_check_eq(t, hear(t, line.client, 50), "(end)");
    seam_check_eq(t, hear(t, line.server, 50), "(end)");
    seam_check_le(t, 40, ms_since(begin_ns));
    stop(&line);
}

SEAM_TEST(a_reset_at_once_is_for_those_that_come_as_well)
{
    struct line line = start(t);
    int second;

    seam_proxy_toxic(line.proxy, .reset = true);
    seam_check_eq(t, hear(t, line.client, 50), "(Connection reset by peer)");
    seam_check_eq(t, hear(t, line.server, 50), "(Connection reset by peer)");
    second = line_connect(seam_proxy_port(line.proxy));
    seam_check_eq(t, hear(t, second, 50), "(Connection reset by peer)");
    close(second);
    stop(&line);
}

SEAM_TEST(times_are_connections)
{
    struct line line = start(t);

    seam_proxy_toxic(line.proxy, .reset = true, .times = 1);
    seam_check_eq(t, hear(t, line.client, 50), "(Connection reset by peer)");
    hang_up(&line);
    connect_both(t, &line);
    say(t, line.client, "again");
    seam_check_eq(t, hear(t, line.server, 5), "again");
    stop(&line);
}

SEAM_TEST(a_stall_holds_an_end_too)
{
    struct line line = start(t);

    seam_proxy_toxic(line.proxy, .stall = true);
    say(t, line.client, "bye");
    close(line.client);
    line.client = -1;
    seam_check(t, is_silent(line.server));
    seam_check_eq(t, seam_proxy_open(line.proxy), 1);
    seam_proxy_toxic(line.proxy);
    seam_check_eq(t, hear(t, line.server, 50), "bye(end)");
    stop(&line);
}

SEAM_TEST(a_slow_close_is_late)
{
    struct line line = start(t);
    uint64_t begin_ns = now_ns();

    seam_proxy_toxic(line.proxy, .slow_close_ms = 50);
    say(t, line.client, "bye");
    shutdown(line.client, SHUT_WR);
    seam_check_eq(t, hear(t, line.server, 3), "bye");
    seam_check_eq(t, hear(t, line.server, 50), "(end)");
    seam_check_le(t, 50, ms_since(begin_ns));
    stop(&line);
}

static size_t count_resets(seam_t *t, uint64_t seed)
{
    struct line line = { .listener = listen_anywhere(t, &line.port) };
    size_t resets = 0;

    line.proxy = seam_proxy_start(t, .port = line.port, .seed = seed);
    seam_proxy_toxic(line.proxy, .direction = SEAM_PROXY_TO_CLIENT, .percent = 50,
                     .cut_after = 1);
    for (int i = 0; i < 40; i++) {
        connect_both(t, &line);
        say(t, line.server, "ab");
        resets = resets * 2 % 1000003 +
                 (*hear(t, line.client, 2) == 'a' && seam_proxy_open(line.proxy) == 0);
        hang_up(&line);
        seam_require_eventually(t, SOON_MS, line_none_is_open, line.proxy);
    }
    close(line.listener);
    return resets;
}

SEAM_TEST(a_share_of_connections_follows_from_the_seed)
{
    size_t first = count_resets(t, 7);

    seam_check_eq(t, count_resets(t, 7), first);
    seam_check_ne(t, count_resets(t, 8), first);
}

/* ---- up and down */

SEAM_TEST(down_refuses_and_up_has_the_same_port)
{
    struct line line = start(t);
    int port = seam_proxy_port(line.proxy);

    seam_proxy_down(line.proxy);
    seam_proxy_down(line.proxy);
    seam_check_eq(t, hear(t, line.client, 50), "(Connection reset by peer)");
    seam_check_eq(t, hear(t, line.server, 50), "(Connection reset by peer)");
    seam_check_eq(t, line_connect(port), -ECONNREFUSED);
    hang_up(&line);
    seam_proxy_up(line.proxy);
    seam_proxy_up(line.proxy);
    seam_check_eq(t, seam_proxy_port(line.proxy), port);
    connect_both(t, &line);
    say(t, line.client, "back");
    seam_check_eq(t, hear(t, line.server, 4), "back");
    stop(&line);
}

SEAM_TEST(nobody_gets_the_port_while_it_is_down)
{
    struct line line = line_start(t);
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)seam_proxy_port(line.proxy)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    seam_proxy_down(line.proxy);
    seam_check_ne(t, bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    close(fd);
    close(line.listener);
}

SEAM_TEST(many_connections_at_a_time)
{
    struct line line = line_start(t), lines[20];

    seam_proxy_toxic(line.proxy, .latency_ms = 5, .jitter_ms = 5, .piece = 1);
    for (size_t i = 0; i < 20; i++) {
        lines[i] = line;
        connect_both(t, &lines[i]);
    }
    for (size_t i = 0; i < 20; i++) {
        say(t, lines[i].client, "to the server");
        say(t, lines[i].server, "to the client");
    }
    for (size_t i = 0; i < 20; i++) {
        seam_check_eq(t, hear(t, lines[i].client, 13), "to the client");
        seam_check_eq(t, hear(t, lines[i].server, 13), "to the server");
        hang_up(&lines[i]);
    }
    seam_check_eventually(t, SOON_MS, line_none_is_open, line.proxy);
    seam_check_eq(t, seam_proxy_bytes(line.proxy, SEAM_PROXY_BOTH), 20 * 26);
    close(line.listener);
}

/* ---- what it says */

#define says(t, fn, want)                                                                      \
    seam_via(t, trial_says_with((t), (fn), &(struct trial_options){ .no_exchanges = true },    \
                                (want)))

static void leads_nowhere(seam_t *t)
{
    seam_proxy_start(t);
}

static void has_two_servers(seam_t *t)
{
    seam_proxy_start(t, .port = 1, .unix_socket = "/s");
}

static void has_a_wrong_port(seam_t *t)
{
    seam_proxy_start(t, .port = 70000);
}

static void has_an_unknown_host(seam_t *t)
{
    seam_proxy_start(t, .host = "no such host", .port = 80);
}

static void has_a_long_path(seam_t *t)
{
    seam_proxy_start(t, .unix_socket = seam_format(t, "/%0200d", 0));
}

static void listens_in_no_folder(seam_t *t)
{
    seam_proxy_start(t, .port = 1, .listen_socket = "/no/folder/s");
}

SEAM_TEST(a_wrong_server_ends_the_test)
{
    says(t, leads_nowhere,
         "error t: a proxy needs a server: .port, with .host, or .unix_socket\n"
         "end t fail\n");
    says(t, has_two_servers,
         "error t: a proxy has one server: .unix_socket, or .host and .port, not both\n"
         "end t fail\n");
    says(t, has_a_wrong_port,
         "error t: '70000' is no port for a proxy's server: 1 to 65535\n"
         "end t fail\n");
    says(t, has_an_unknown_host,
         "error t: cannot look up 'no such host' for a proxy: Name or service not known\n"
         "end t fail\n");
    says(t, has_a_long_path,
         seam_format(t,
                     "error t: '/%0200d' is too long for a proxy's .unix_socket: it has at "
                     "most 107 bytes\n"
                     "end t fail\n",
                     0));
    says(t, listens_in_no_folder,
         "error t: cannot start a proxy: cannot listen on '/no/folder/s': No such file or "
         "directory\n"
         "log t: proxy to 127.0.0.1:1: 0 connections, 0 bytes there, 0 back; 0 ended by "
         "faults\n"
         "end t fail\n");
}

static void is_negative(seam_t *t)
{
    seam_proxy_toxic(seam_proxy_start(t, .port = 1), .latency_ms = -5);
}

static void is_too_much(seam_t *t)
{
    seam_proxy_toxic(seam_proxy_start(t, .port = 1), .percent = 101);
}

static void has_no_piece(seam_t *t)
{
    seam_proxy_toxic(seam_proxy_start(t, .port = 1), .piece_gap_ms = 5);
}

static void goes_nowhere(seam_t *t)
{
    seam_proxy_toxic(seam_proxy_start(t, .port = 1), .direction = (enum seam_proxy_direction)3);
}

#define SEEN                                                                                   \
    "log t: proxy to 127.0.0.1:1: 0 connections, 0 bytes there, 0 back; 0 ended by faults\n"   \
    "end t fail\n"

SEAM_TEST(wrong_faults_end_the_test)
{
    says(t, is_negative,
         "error t: a proxy's .latency_ms is not less than 0, as '-5' is\n" SEEN);
    says(t, is_too_much, "error t: a proxy's .percent is at most 100, not '101'\n" SEEN);
    says(t, has_no_piece,
         "error t: a proxy's .piece_gap_ms lies between pieces: say .piece as well\n" SEEN);
    says(t, goes_nowhere, "error t: '3' is no direction of a proxy\n" SEEN);
}

static void fails_with_jitter(seam_t *t)
{
    struct line line = { .listener = listen_anywhere(t, &line.port) };
    int client;

    line.proxy = seam_proxy_start(t, .port = line.port, .seed = 42);
    seam_proxy_toxic(line.proxy, .jitter_ms = 1, .cut_after = 2);
    connect_both(t, &line);
    say(t, line.client, "abc");
    hear(t, line.server, 50);
    stop(&line);
    seam_require_eventually(t, SOON_MS, line_none_is_open, line.proxy);
    client = line_connect(seam_proxy_port(line.proxy));
    hear(t, client, 50);
    close(client);
    seam_error(t, "failed at %d", line.port);
}

SEAM_TEST(a_test_that_fails_says_what_was_seen_and_the_seed)
{
    const char *told = trial_run(t, fails_with_jitter, NULL);

    seam_check_contains(t, told,
                        ": 2 connections, 2 bytes there, 0 back; 1 ended by faults; the server "
                        "was not reached by 1: Connection refused\n"
                        "log t: what the proxy did at random follows from a seed: .seed = 42u "
                        "gives the same again\n"
                        "end t fail\n");
    seam_check_match(t, told,
                     "exchange t: connection 1 to 127\\.0\\.0\\.1:\\d+\ncut by the proxy "
                     "after 2 bytes there, 0 back\n");
    seam_check_match(t, told,
                     "exchange t: connection 2 to 127\\.0\\.0\\.1:\\d+\nreset, because "
                     "the server was not reached, after 0 bytes there, 0 back\n");
}

static void has_jitter(seam_t *t)
{
    seam_check_ne(t, seam_proxy_seed(seam_proxy_start(t, .port = 1)), 0);
}

SEAM_TEST(a_test_that_passes_says_nothing)
{
    says(t, has_jitter, "end t pass\n");
}

SEAM_SUBTEST(leave_open)
{
    struct line *line = arg;

    *line = start(t);
    seam_check_eventually(t, SOON_MS, one_is_open, line->proxy);
}

SEAM_TEST(an_open_connection_ends_with_its_test)
{
    struct line line = { 0 };

    seam_run(t, "leaves it open", leave_open, &line);
    seam_check_eq(t, hear(t, line.client, 50), "(Connection reset by peer)");
    seam_check_eq(t, hear(t, line.server, 50), "(Connection reset by peer)");
    stop(&line);
}
