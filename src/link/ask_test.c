/* link/ask_test.c - unmodified programs with the shim: their look-ups and connections are this test's to answer. */
//seam:sources ask.c ../base/message.c

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link/ask.h"
#include "link/link.h"
#include "seam/spawn.h"

/* ---- a double: a listener that answers any request, and what its route says */

static struct {
    int listener, port, finish;
    int fault; /* of enum link_breakage */
    pthread_t thread;
    char request[4096]; /* the last */
} fake;
static pthread_mutex_t lock =
    PTHREAD_MUTEX_INITIALIZER; /* guards what several threads look at */

static void answer(int fd)
{
    static const char words[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nfrom mock";
    char request[sizeof fake.request] = "";

    if (recv(fd, request, sizeof request - 1, 0) < 0)
        return;
    pthread_mutex_lock(&lock);
    memcpy(fake.request, request, sizeof request);
    pthread_mutex_unlock(&lock);
    send(fd, words, sizeof words - 1, MSG_NOSIGNAL);
}

static void *serve(void *arg)
{
    struct pollfd fds[] = { { .fd = fake.listener, .events = POLLIN },
                            { .fd = fake.finish, .events = POLLIN } };

    while (poll(fds, 2, -1) > 0 && !fds[1].revents) {
        int fd = accept(fake.listener, NULL, NULL);

        answer(fd);
        close(fd);
    }
    return arg;
}

static int fake_fault(void *route, const char *host)
{
    int fault;

    (void)route;
    (void)host;
    pthread_mutex_lock(&lock);
    fault = fake.fault;
    pthread_mutex_unlock(&lock);
    return fault == LINK_BREAK_UNKNOWN_HOST ? 0 : fault;
}

static bool fake_resolves(void *route, const char *host)
{
    bool resolves;

    (void)route;
    (void)host;
    pthread_mutex_lock(&lock);
    resolves = fake.fault != LINK_BREAK_UNKNOWN_HOST;
    pthread_mutex_unlock(&lock);
    return resolves;
}

static void set_fault(int fault)
{
    pthread_mutex_lock(&lock);
    fake.fault = fault;
    pthread_mutex_unlock(&lock);
}

static const char *last_request(seam_t *t)
{
    const char *copy;

    pthread_mutex_lock(&lock);
    copy = seam_format(t, "%s", fake.request);
    pthread_mutex_unlock(&lock);
    return copy;
}

static int fake_listen(void *route, const char *host)
{
    (void)route;
    (void)host;
    return fake.port;
}

static const struct link_driver driver = { .fault = fake_fault,
                                           .resolves = fake_resolves,
                                           .listen = fake_listen };

static void stop_double(void *arg)
{
    (void)arg;
    eventfd_write(fake.finish, 1);
    pthread_join(fake.thread, NULL);
    close(fake.listener);
    close(fake.finish);
    link_route_remove(&fake);
}

static void start_double(seam_t *t, const char *host, int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    struct err err;

    fake.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    fake.finish = eventfd(0, EFD_CLOEXEC);
    seam_require_ok(t, bind(fake.listener, (const struct sockaddr *)&at, sizeof at));
    seam_require_ok(t, listen(fake.listener, 8));
    seam_require_ok(t, getsockname(fake.listener, (struct sockaddr *)&at, &size));
    fake.port = ntohs(at.sin_port);
    seam_require_ok(t, pthread_create(&fake.thread, NULL, serve, NULL));
    seam_cleanup(t, stop_double, NULL);
    seam_require_ok(t, link_route_add(host, port, &driver, &fake, &err));
}

/* ---- refusals */

static char refused[300];

static void note_refused(void *arg, const char *host, int port, const char *library)
{
    (void)arg;
    pthread_mutex_lock(&lock);
    snprintf(refused, sizeof refused, "%s:%d by %s", host, port, library);
    pthread_mutex_unlock(&lock);
}

static const char *last_refused(seam_t *t)
{
    const char *copy;

    pthread_mutex_lock(&lock);
    copy = seam_format(t, "%s", refused);
    pthread_mutex_unlock(&lock);
    return copy;
}

static void end_deny(void *arg)
{
    (void)arg;
    link_deny_end();
}

static void deny(seam_t *t)
{
    link_deny(note_refused, NULL);
    seam_cleanup(t, end_deny, NULL);
}

/* ---- programs */

static void stop_ask(void *ask)
{
    link_ask_stop(ask);
}

/* The shim lies beside the program that runs this test: the parent of our parent, the agent. */
static const char *shim_path(seam_t *t)
{
    char stat[512] = "", self[4096];
    int runner = 0;
    ssize_t size;
    FILE *file = fopen(seam_format(t, "/proc/%d/stat", (int)getppid()), "re");
    const char *path;

    if (file && fgets(stat, sizeof stat, file))
        sscanf(strrchr(stat, ')') + 1, " %*c %d", &runner);
    if (file)
        fclose(file);
    size = readlink(seam_format(t, "/proc/%d/exe", runner), self, sizeof self - 1);
    seam_require_lt(t, 0, size);
    self[size] = '\0';
    *strrchr(self, '/') = '\0';
    path = seam_format(t, "%s/libseam-shim.so", self);
    if (access(path, R_OK) < 0)
        path = seam_format(t, "%s/../libexec/seam/libseam-shim.so", self);
    return path;
}

/* Variables that let a program ask this test. */
struct surroundings {
    const char *preload, *socket;
};

static struct surroundings begin(seam_t *t)
{
    const char *path = seam_format(t, "%s/ask", seam_tempdir(t));
    struct link_ask *ask = NULL;
    struct err err = { "" };

    if (link_ask_start(path, &ask, &err) < 0)
        seam_fatal(t, "%s", err.text);
    seam_cleanup(t, stop_ask, ask);
    return (struct surroundings){ seam_format(t, "LD_PRELOAD=%s", shim_path(t)),
                                  seam_format(t, "SEAM_ASK=%s", path) };
}

#define spawn_shimmed(t, s, ...)                                                               \
    seam_spawn(t, .argv = { __VA_ARGS__ }, .env = { (s).preload, (s).socket }, .may_fail = true)

/* ------------------------------------------------------------------------------------------ */

SEAM_TEST(ask_sends_curl_to_the_double)
{
    struct surroundings s = begin(t);
    seam_process *p;

    start_double(t, "api.pay.test", 80);
    p = spawn_shimmed(t, s, "curl", "-sS", "-w", " %{remote_ip}:%{remote_port}",
                      "http://api.pay.test/v1?x=1");
    seam_check_eq(t, seam_process_wait(p, 0), 0);
    seam_check_match(t, seam_process_output(p), "^from mock 198\\.1[89]\\.\\d+\\.\\d+:80$");
    seam_check_contains(t, last_request(t), "GET /v1?x=1 HTTP/1.1\r\nHost: api.pay.test\r\n");
}

SEAM_TEST(ask_sends_wget_to_the_double)
{
    struct surroundings s = begin(t);
    seam_process *p;

    start_double(t, "api.pay.test", 8080);
    p = spawn_shimmed(t, s, "sh", "-c", "exec wget -q -O - http://api.pay.test:8080/");
    seam_check_eq(t, seam_process_wait(p, 0), 0);
    seam_check_str(t, seam_process_output(p), "from mock");
}

/* Its socket is closed to IPv4, over which the double is reached. */
SEAM_TEST(ask_sends_a_client_of_ipv6_alone_to_the_double)
{
    struct surroundings s = begin(t);
    seam_process *p;

    start_double(t, "api.pay.test", 80);
    p = spawn_shimmed(t, s, "wget", "-q", "-6", "-t", "1", "-O", "-", "http://api.pay.test/");
    seam_check_eq(t, seam_process_wait(p, 0), 0);
    seam_check_str(t, seam_process_output(p), "from mock");
}

SEAM_TEST(ask_sees_a_double_that_is_started_later)
{
    struct surroundings s = begin(t);
    seam_process *p = seam_spawn(
        t, .argv = { "sh", "-c", "echo up; read go; exec curl -sS http://127.0.0.1:9/" },
        .env = { s.preload, s.socket }, .stdin_pipe = true, .ready_line = "up");

    start_double(t, "localhost", 9);
    seam_process_write(p, "go\n", 3);
    seam_check_eq(t, seam_process_wait(p, 0), 0);
    seam_check_str(t, seam_process_output(p), "up\nfrom mock");
}

SEAM_TEST(ask_refuses_what_nobody_allowed)
{
    struct surroundings s = begin(t);
    seam_process *p;

    deny(t);
    p = spawn_shimmed(t, s, "curl", "-sS", "http://other.test/");
    seam_check_eq(t, seam_process_wait(p, 0), 7); /* could not connect */
    seam_check_match(t, last_refused(t), "^other.test:80 by libcurl.so.4 in 'curl'$");
    p = spawn_shimmed(t, s, "curl", "-sS", "http://192.0.2.1:81/");
    seam_check_eq(t, seam_process_wait(p, 0), 7);
    seam_check_match(t, last_refused(t), "^192.0.2.1:81 by libcurl.so.4 in 'curl'$");
}

SEAM_TEST(ask_lets_pass_what_is_allowed)
{
    struct surroundings s = begin(t);
    struct err err;
    seam_process *p;

    deny(t);
    start_double(t, "api.pay.test", 80);
    seam_require_ok(t, link_allow("127.0.0.1", &err));
    p = spawn_shimmed(t, s, "curl", "-sS", seam_format(t, "http://127.0.0.1:%d/", fake.port));
    seam_check_eq(t, seam_process_wait(p, 0), 0);
    seam_check_str(t, seam_process_output(p), "from mock");
}

SEAM_TEST(ask_passes_on_faults)
{
    struct surroundings s = begin(t);
    seam_process *p;

    start_double(t, "api.pay.test", 80);
    set_fault(LINK_BREAK_REFUSED);
    p = spawn_shimmed(t, s, "curl", "-sS", "http://api.pay.test/");
    seam_check_eq(t, seam_process_wait(p, 0), 7);
    set_fault(LINK_BREAK_NO_ANSWER);
    p = spawn_shimmed(t, s, "curl", "-sS", "--connect-timeout", "0.2", "http://api.pay.test/");
    seam_check_eq(t, seam_process_wait(p, 0), 28); /* timed out */
    set_fault(LINK_BREAK_UNKNOWN_HOST);
    p = spawn_shimmed(t, s, "curl", "-sS", "http://api.pay.test/");
    seam_check_eq(t, seam_process_wait(p, 0), 6); /* could not resolve */
}

SEAM_TEST(ask_reaches_nothing_when_nobody_answers)
{
    struct surroundings s = { seam_format(t, "LD_PRELOAD=%s", shim_path(t)),
                              "SEAM_ASK=/nowhere/ask" };
    seam_process *p;

    start_double(t, "api.pay.test", 80);
    p = spawn_shimmed(t, s, "curl", "-sS", seam_format(t, "http://127.0.0.1:%d/", fake.port));
    seam_check_eq(t, seam_process_wait(p, 0), 7);
}

SEAM_TEST(ask_refuses_a_path_that_is_too_long)
{
    const char *path = seam_format(t, "/%0200d", 1);
    struct link_ask *ask = NULL;
    struct err err = { "" };

    seam_check_eq(t, link_ask_start(path, &ask, &err), -ENAMETOOLONG);
    seam_check_contains(t, err.text, "cannot listen at '/000");
    seam_check_null(t, ask);
    link_ask_stop(NULL);
}

/* What comes from outside may be anything. */
SEAM_TEST(ask_survives_odd_questions)
{
    static const char *const ops[] = { "connect", "resolve", "refused", "others", "", "what" };

    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        struct buf question = BUF_INIT(4096), answer = BUF_INIT(4096);
        struct message message;

        message_begin(&question);
        message_add_text(&question, "op", ops[i]);
        message_add_text(&question, "address", "?");
        message_add_text(&question, "host", "");
        message_end(&question, 0);
        seam_require_lt(t, 0, message_parse(question.data, question.size, &message));
        link_ask_answer(&message, &answer);
        seam_check(t, !answer.failed);
        buf_fini(&question);
        buf_fini(&answer);
    }
}
