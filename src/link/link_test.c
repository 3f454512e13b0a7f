/* link/link_test.c - the hooks, with a driver that says everything back. */
//seam:sources check.c connect.c destination.c hooks_files.c hooks_net.c name_server.c owner.c real.c resolve.c real_static.c
//seam:sources table.c trust.c ../base/proc.c ../base/lent_ports.c ../base/map.c ../base/err.c ../base/io.c ../base/buf.c ../base/deadline.c
//seam:sources ../base/deadline.c
//seam:cflags -D_GNU_SOURCE -I.. -U_FILE_OFFSET_BITS

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "link/link.h"
#include "link/trust.h"
#include "seam/seam.h"

/* ---- a driver: what is sent comes back */

struct echo {
    int peer;
};

static struct {
    int opened, gone;
    char host[300];
    int port;
    bool refuses, mute;
    const char *unknown; /* a host */
} seen;
static pthread_mutex_t seen_lock = PTHREAD_MUTEX_INITIALIZER;

static int echo_fault(void *route, const char *host)
{
    (void)route;
    (void)host;
    return seen.refuses ? LINK_BREAK_REFUSED : seen.mute ? LINK_BREAK_NO_ANSWER : 0;
}

static int echo_open(void *route, int peer, const char *host, int port, void **ret_connection)
{
    struct echo *echo = malloc(sizeof *echo);

    (void)route;
    echo->peer = peer;
    pthread_mutex_lock(&seen_lock);
    seen.opened++;
    seen.port = port;
    snprintf(seen.host, sizeof seen.host, "%s", host);
    pthread_mutex_unlock(&seen_lock);
    *ret_connection = echo;
    return 0;
}

static int echo_feed(void *connection, const void *data, size_t size)
{
    struct echo *echo = connection;

    if (size == 4 && memcmp(data, "quit", 4) == 0) {
        shutdown(echo->peer, SHUT_RDWR);
        return -EPIPE;
    }
    return send(echo->peer, data, size, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void echo_gone(void *connection)
{
    struct echo *echo = connection;

    pthread_mutex_lock(&seen_lock);
    seen.gone++;
    pthread_mutex_unlock(&seen_lock);
    close(echo->peer);
    free(echo);
}

static bool echo_resolves(void *route, const char *host)
{
    (void)route;
    return !seen.unknown || strcmp(host, seen.unknown) != 0;
}

static const struct link_driver driver = { .fault = echo_fault,
                                           .open = echo_open,
                                           .feed = echo_feed,
                                           .gone = echo_gone,
                                           .resolves = echo_resolves };

static void take(seam_t *t, const char *host, int port)
{
    struct err err;

    if (link_route_add(host, port, &driver, &seen, &err) < 0)
        seam_fatal(t, "%s", err.text);
}

/* A connected socket to a name and port, -1 with errno. */
static int reach(seam_t *t, const char *host, const char *port, int flags)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
    int fd, r, saved;

    r = getaddrinfo(host, port, &hints, &list);
    if (r != 0)
        seam_fatal(t, "getaddrinfo: %s", gai_strerror(r));
    fd = socket(list->ai_family, SOCK_STREAM | flags, 0);
    r = connect(fd, list->ai_addr, list->ai_addrlen);
    saved = errno;
    freeaddrinfo(list);
    if (r < 0) {
        close(fd);
        fd = -1;
    }
    errno = saved;
    return fd;
}

static void check_echo(seam_t *t, int fd, const char *text)
{
    char got[64] = "";

    seam_require_eq(t, recv(fd, got, sizeof got - 1, MSG_DONTWAIT), (ssize_t)strlen(text));
    seam_check_eq(t, got, text);
}

/* ---- names and connections */

SEAM_TEST(a_name_leads_to_its_double)
{
    int fd;

    take(t, "api.pay.test", 443);
    fd = reach(t, "API.pay.test.", "443", 0);
    seam_require(t, fd >= 0);
    seam_check_eq(t, seen.host, "api.pay.test");
    seam_check_eq(t, seen.port, 443);
    seam_require_eq(t, send(fd, "hello", 5, 0), 5);
    check_echo(t, fd, "hello");
    seam_check_ok(t, close(fd));
    seam_check_eq(t, seen.gone, 1);
}

SEAM_TEST(every_way_to_send)
{
    struct iovec parts[] = { { (char *)"wri", 3 }, { (char *)"tev", 3 } };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
    int fd;

    take(t, "api.pay.test", 80);
    fd = reach(t, "api.pay.test", "80", 0);
    seam_require_eq(t, write(fd, "write", 5), 5);
    check_echo(t, fd, "write");
    seam_require_eq(t, writev(fd, parts, 2), 6);
    check_echo(t, fd, "writev");
    seam_require_eq(t, sendmsg(fd, &message, 0), 6);
    check_echo(t, fd, "writev");
    seam_require_eq(t, sendto(fd, "sendto", 6, 0, NULL, 0), 6);
    check_echo(t, fd, "sendto");
    close(fd);
}

SEAM_TEST(names_below_a_wildcard)
{
    int fd;

    take(t, ".pay.test", 80);
    fd = reach(t, "eu.api.pay.test", "80", 0);
    seam_require(t, fd >= 0);
    seam_check_eq(t, seen.host, "eu.api.pay.test");
    close(fd);
}

SEAM_TEST(an_address_leads_to_its_double)
{
    struct sockaddr_in6 mapped = { .sin6_family = AF_INET6, .sin6_port = htons(8080) };
    int fd, six;

    take(t, "10.0.0.7", 8080);
    fd = reach(t, "10.0.0.7", "8080", 0);
    seam_require(t, fd >= 0);
    seam_check_eq(t, seen.host, "10.0.0.7");
    close(fd);
    inet_pton(AF_INET6, "::ffff:10.0.0.7", &mapped.sin6_addr);
    six = socket(AF_INET6, SOCK_STREAM, 0);
    seam_check_ok(t, connect(six, (struct sockaddr *)&mapped, sizeof mapped));
    close(six);
}

SEAM_TEST(two_doubles_of_one_destination)
{
    struct err err;

    take(t, "api.pay.test", 443);
    seam_check_eq(t, link_route_add("api.pay.test", 443, &driver, &seen, &err), -EEXIST);
    seam_check_eq(t, err.text, "another double of this test has 'api.pay.test:443'");
    seam_check_ok(t, link_route_add("api.pay.test", 80, &driver, &seen, &err));
}

SEAM_TEST(old_ways_to_look_up)
{
    char memory[1024];
    struct hostent into, *found = NULL;
    int error;

    take(t, "api.pay.test", 80);
    found = gethostbyname("api.pay.test");
    seam_require(t, found != NULL);
    seam_check_eq(t, inet_ntoa(*(struct in_addr *)found->h_addr_list[0]), "198.18.0.1");
    seam_require_ok(
        t, gethostbyname_r("api.pay.test", &into, memory, sizeof memory, &found, &error));
    seam_check_eq(t, inet_ntoa(*(struct in_addr *)found->h_addr_list[0]), "198.18.0.1");
    found = gethostbyname2("api.pay.test", AF_INET6);
    seam_require(t, found != NULL);
    seam_check(t, IN6_IS_ADDR_V4MAPPED((struct in6_addr *)found->h_addr_list[0]));
}

SEAM_TEST(the_canonical_name_is_the_name)
{
    struct addrinfo hints = { .ai_flags = AI_CANONNAME }, *list;

    take(t, "api.pay.test", 80);
    seam_require_ok(t, getaddrinfo("api.pay.test", "80", &hints, &list));
    seam_check_eq(t, list->ai_canonname, "api.pay.test");
    freeaddrinfo(list);
}

SEAM_TEST(a_host_that_does_not_resolve)
{
    struct addrinfo *list;

    take(t, "api.pay.test", 80);
    seen.unknown = "api.pay.test";
    seam_check_eq(t, getaddrinfo("api.pay.test", "80", NULL, &list), EAI_NONAME);
    seam_check(t, gethostbyname("api.pay.test") == NULL);
    seam_check_eq(t, h_errno, HOST_NOT_FOUND);
}

/* ---- faults of connecting */

SEAM_TEST(a_double_that_refuses)
{
    take(t, "api.pay.test", 80);
    seen.refuses = true;
    seam_check_eq(t, reach(t, "api.pay.test", "80", 0), -1);
    seam_check_eq(t, errno, ECONNREFUSED);
}

/* The test ends them; elsewhere they are libseam's. */
static int ours[2], our_count;

static int keep(int fd)
{
    return ours[our_count++] = fd;
}

SEAM_TEST(a_double_that_does_not_answer)
{
    struct addrinfo *list;
    struct pollfd wait;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    take(t, "api.pay.test", 80);
    seen.mute = true;
    link_private_fd = keep;
    seam_require_ok(t, getaddrinfo("api.pay.test", "80", NULL, &list));
    seam_check_eq(t, connect(fd, list->ai_addr, list->ai_addrlen), -1);
    seam_check_eq(t, errno, EINPROGRESS);
    wait = (struct pollfd){ .fd = fd, .events = POLLIN | POLLOUT };
    seam_check_eq(t, poll(&wait, 1, 50), 0);
    freeaddrinfo(list);
    close(fd);
    while (our_count > 0)
        close(ours[--our_count]);
}

/* ---- descriptors */

SEAM_TEST(flags_stay)
{
    int fd;

    take(t, "api.pay.test", 80);
    fd = reach(t, "api.pay.test", "80", SOCK_NONBLOCK | SOCK_CLOEXEC);
    seam_check(t, fcntl(fd, F_GETFL) & O_NONBLOCK);
    seam_check(t, fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
    fd = reach(t, "api.pay.test", "80", 0);
    seam_check(t, !(fcntl(fd, F_GETFL) & O_NONBLOCK));
    seam_check(t, !(fcntl(fd, F_GETFD) & FD_CLOEXEC));
    close(fd);
}

SEAM_TEST(the_socket_looks_like_tcp)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address, number_size = sizeof(int);
    int fd, number = 0, on = 1;

    take(t, "api.pay.test", 8080);
    fd = reach(t, "api.pay.test", "8080", 0);
    seam_require_ok(t, getpeername(fd, (struct sockaddr *)&address, &size));
    seam_check_eq(t, address.sin_family, AF_INET);
    seam_check_eq(t, ntohs(address.sin_port), 8080);
    seam_check_eq(t, inet_ntoa(address.sin_addr), "198.18.0.1");
    size = sizeof address;
    seam_require_ok(t, getsockname(fd, (struct sockaddr *)&address, &size));
    seam_check_eq(t, inet_ntoa(address.sin_addr), "127.0.0.1");
    seam_require_ok(t, getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &number, &number_size));
    seam_check_eq(t, number, AF_INET);
    seam_require_ok(t, getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &number_size));
    seam_check_eq(t, number, 0);
    seam_check_ok(t, setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    close(fd);
}

SEAM_TEST(the_last_of_several_descriptors_ends_the_connection)
{
    int fd, copy, third;

    take(t, "api.pay.test", 80);
    fd = reach(t, "api.pay.test", "80", 0);
    copy = dup(fd);
    third = fcntl(fd, F_DUPFD_CLOEXEC, 100);
    close(fd);
    seam_check_eq(t, seen.gone, 0);
    seam_require_eq(t, write(copy, "x", 1), 1);
    check_echo(t, copy, "x");
    close(copy);
    seam_require_eq(t, write(third, "y", 1), 1);
    check_echo(t, third, "y");
    seam_require_eq(t, dup2(STDERR_FILENO, third), third);
    seam_check_eq(t, seen.gone, 1);
    close(third);
}

/* fclose closes without asking anybody; the number is then a file's. */
SEAM_TEST(a_number_that_was_used_again)
{
    const char *path = seam_path(t, "%s/file", seam_tempdir(t));
    char *content;
    size_t size;
    int fd, file;

    take(t, "api.pay.test", 80);
    fd = reach(t, "api.pay.test", "80", 0);
    fclose(fdopen(fd, "r+"));
    file = open(path, O_RDWR | O_CREAT, 0600);
    seam_require_eq(t, file, fd);
    seam_require_eq(t, write(file, "to the file", 11), 11);
    content = seam_read_file(t, path, &size);
    seam_check_eq(t, content, "to the file");
    seam_check_eq(t, seen.gone, 1);
    close(file);
}

SEAM_TEST(close_range_ends_connections)
{
    int fd;

    take(t, "api.pay.test", 80);
    fd = dup2(reach(t, "api.pay.test", "80", 0), 90);
    seam_require_eq(t, fd, 90);
    close_range(80, 95, 0);
    close_range(3, 3, 0);
    seam_check(t, fcntl(90, F_GETFD) < 0);
}

SEAM_TEST(a_socket_that_is_watched_before_it_connects)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u32 = 7 }, got = { 0 };
    struct addrinfo *list;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), epoll = epoll_create1(0);

    take(t, "api.pay.test", 80);
    seam_require_ok(t, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
    seam_require_ok(t, getaddrinfo("api.pay.test", "80", NULL, &list));
    seam_require_ok(t, connect(fd, list->ai_addr, list->ai_addrlen));
    seam_require_eq(t, write(fd, "x", 1), 1);
    seam_check_eq(t, epoll_wait(epoll, &got, 1, 0), 1);
    seam_check_eq(t, got.data.u32, 7);
    freeaddrinfo(list);
    close(epoll);
    close(fd);
}

SEAM_TEST(the_double_ends_the_connection)
{
    char byte;
    int fd;

    signal(SIGPIPE, SIG_IGN);
    take(t, "api.pay.test", 80);
    fd = reach(t, "api.pay.test", "80", 0);
    seam_check_eq(t, write(fd, "quit", 4), -1);
    seam_check_eq(t, errno, EPIPE);
    seam_check_eq(t, recv(fd, &byte, 1, 0), 0);
    close(fd);
}

SEAM_TEST(a_pipe_signal_as_the_kernel_has_it, .signal = SIGPIPE)
{
    int fd;

    signal(SIGPIPE, SIG_DFL);
    take(t, "api.pay.test", 80);
    fd = reach(t, "api.pay.test", "80", 0);
    seam_check_eq(t, send(fd, "quit", 4, MSG_NOSIGNAL), -1);
    send(fd, "quit", 4, 0);
}

static void talk(seam_t *t, int index, void *arg)
{
    char text[32];

    (void)arg;
    for (int i = 0; i < 200; i++) {
        int fd = reach(t, "api.pay.test", "80", 0);

        snprintf(text, sizeof text, "%d of thread %d", i, index);
        seam_check_eq(t, write(fd, text, strlen(text)), (ssize_t)strlen(text));
        check_echo(t, fd, text);
        close(fd);
    }
}

SEAM_TEST(threads_at_once)
{
    take(t, "api.pay.test", 80);
    seam_threads(t, 4, talk, NULL);
}

/* ---- what nobody took */

static struct {
    int count;
    char host[300];
    int port;
} refused;

static void note_refused(void *arg, const char *host, int port, const char *library)
{
    (void)arg;
    (void)library;
    refused.count++;
    refused.port = port;
    snprintf(refused.host, sizeof refused.host, "%s", host);
}

SEAM_TEST(what_nobody_allowed_is_refused)
{
    link_deny(note_refused, NULL);
    seam_check_eq(t, reach(t, "db.prod", "5432", 0), -1);
    seam_check_eq(t, errno, ECONNREFUSED);
    seam_check_eq(t, refused.count, 1);
    seam_check_eq(t, refused.host, "db.prod");
    seam_check_eq(t, refused.port, 5432);
    seam_check_eq(t, reach(t, "192.0.2.7", "80", 0), -1);
    seam_check_eq(t, refused.host, "192.0.2.7");
    link_deny_end();
}

/* Connecting a datagram socket sends nothing. */
SEAM_TEST(what_nobody_allowed_may_only_be_told)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(5432),
                              .sin_addr.s_addr = inet_addr("192.0.2.7") };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    link_deny(note_refused, NULL);
    seam_check_eq(t, connect(fd, (struct sockaddr *)&to, sizeof to), -1);
    seam_check_eq(t, errno, ECONNREFUSED);
    link_deny_only_tells(true);
    errno = 0;
    connect(fd, (struct sockaddr *)&to, sizeof to);
    seam_check_ne(t, errno, ECONNREFUSED); /* the kernel's answer, whatever it is */
    seam_check_eq(t, refused.count, 2);
    seam_check_eq(t, refused.host, "192.0.2.7");
    seam_check_null(t, gethostbyname("nowhere.invalid")); /* not ours to resolve */
    link_deny_only_tells(false);
    link_deny_end();
    close(fd);
}

static int listen_here(int *ret_port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    bind(fd, (struct sockaddr *)&at, sizeof at);
    listen(fd, 8);
    getsockname(fd, (struct sockaddr *)&at, &size);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

SEAM_TEST(a_listener_of_the_test_passes)
{
    int port, listener = listen_here(&port), fd;

    link_deny(note_refused, NULL);
    fd = reach(t, "127.0.0.1", seam_format(t, "%d", port), 0);
    seam_check(t, fd >= 0);
    seam_check_eq(t, refused.count, 0);
    close(fd);
    close(listener);
}

/* The first that the system has. Connecting a datagram socket sends nothing. */
SEAM_TEST(a_name_server_passes)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(53) };
    char line[200], named[100] = "";
    FILE *file = fopen("/etc/resolv.conf", "re");
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    while (file && !*named && fgets(line, sizeof line, file))
        if (sscanf(line, "nameserver %99s", named) != 1 ||
            inet_pton(AF_INET, named, &to.sin_addr) != 1)
            *named = '\0';
    if (file)
        fclose(file);
    if (!*named)
        seam_skip(t, "/etc/resolv.conf names none over IPv4");
    link_deny(note_refused, NULL);
    connect(fd, (struct sockaddr *)&to, sizeof to);
    seam_check_eq(t, refused.count, 0);
    to.sin_port = htons(54);
    connect(fd, (struct sockaddr *)&to, sizeof to);
    seam_check_eq(t, refused.count, 1);
    link_deny_end();
    close(fd);
}

SEAM_TEST(allowed_and_broken)
{
    int port, listener = listen_here(&port), fd;
    struct err err;

    link_deny(note_refused, NULL);
    seam_require_ok(t,
                    link_break(seam_format(t, "127.0.0.1:%d", port), LINK_BREAK_REFUSED, &err));
    seam_check_eq(t, reach(t, "127.0.0.1", seam_format(t, "%d", port), 0), -1);
    seam_check_eq(t, refused.count, 0);
    link_mend(seam_format(t, "127.0.0.1:%d", port));
    fd = reach(t, "127.0.0.1", seam_format(t, "%d", port), 0);
    seam_check(t, fd >= 0);
    close(fd);
    seam_require_ok(t, link_break("away.test", LINK_BREAK_UNKNOWN_HOST, &err));
    seam_check(t, gethostbyname("away.test") == NULL);
    close(listener);
}

static const struct row {
    const char *name, *destination, *error;
} destinations[] = {
    { "host and port", "db.prod:5432", NULL },
    { "host", "db.prod", NULL },
    { "port", ":5432", NULL },
    { "all", "*", NULL },
    { "IPv6", "[::1]:80", NULL },
    { "url", "http://db.prod/",
      "'http://db.prod/' is no destination: write \"host:port\", \"host\", \":port\" or "
      "\"*\"" },
    { "port 0", "db:0",
      "'db:0' is no destination: write \"host:port\", \"host\", \":port\" or \"*\"" },
    { "no number", "db:http",
      "'db:http' is no destination: write \"host:port\", \"host\", \":port\" or \"*\"" },
};

SEAM_SUBTEST(one_destination)
{
    const struct row *row = arg;
    struct err err = { "" };
    int r = link_allow(row->destination, &err);

    seam_check_eq(t, r, row->error ? -EINVAL : 0);
    if (row->error)
        seam_check_eq(t, err.text, row->error);
}

SEAM_TEST(what_is_a_destination)
{
    for (size_t i = 0; i < sizeof destinations / sizeof *destinations; i++)
        seam_run(t, destinations[i].name, one_destination, &destinations[i]);
}

SEAM_TEST(connections_of_our_own_pass)
{
    int port, listener = listen_here(&port), fd;

    take(t, "127.0.0.1", port);
    link_pass_begin();
    fd = reach(t, "127.0.0.1", seam_format(t, "%d", port), 0);
    link_pass_end();
    seam_check(t, fd >= 0);
    seam_check_eq(t, seen.opened, 0);
    close(fd);
    close(listener);
}

/* ---- trust, check */

SEAM_TEST(the_systems_bundle_has_the_authority)
{
    char text[100] = "";
    struct err err;
    FILE *file;
    int fd;

    link_deny(note_refused, NULL);
    seam_require_ok(t, link_trust("the authority\n", &err));
    file = fopen("/etc/ssl/certs/ca-certificates.crt", "r");
    seam_require(t, file != NULL);
    seam_check(t, fgets(text, sizeof text, file) != NULL);
    seam_check_eq(t, text, "the authority\n");
    fclose(file);
    fd = open("/etc/ssl/certs/ca-certificates.crt", O_RDONLY | O_CLOEXEC);
    seam_check_eq(t, read(fd, text, sizeof text), 14);
    close(fd);
    seam_require_ok(t, link_allow("partner.test", &err)); /* then the others are needed too */
    fd = open("/etc/ssl/certs/ca-certificates.crt", O_RDONLY | O_CLOEXEC);
    seam_check(t, lseek(fd, 0, SEEK_END) > 14 ||
                      access("/etc/ssl/certs/ca-certificates.crt", R_OK) < 0);
    close(fd);
}

SEAM_TEST(other_files_are_what_they_are)
{
    const char *path = seam_path(t, "%s/file", seam_tempdir(t));
    struct err err;
    FILE *file;

    seam_require_ok(t, link_trust("the authority\n", &err));
    file = fopen(path, "w");
    fputs("mine", file);
    fclose(file);
    seam_check_eq(t, seam_read_file(t, path, NULL), "mine");
}

SEAM_TEST(every_call_reaches_its_hook)
{
    struct err err;

    if (link_check(&err) < 0)
        seam_error(t, "%s", err.text);
}
