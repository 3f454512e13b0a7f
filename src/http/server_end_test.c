/* http/server_end_test.c - servers of a test: failures of handlers, how servers end, and what they leave. */

#include "http/server_test.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "events/agent_link.h"
#include "http/server.h"
#include "test/state.h"
#include "test/trial_test.h"

/* ---- failures, each tried in a process of its own */

static void fail_a_check(seam_http_exchange *x, void *arg)
{
    int status = 1;

    (void)arg;
    seam_check_eq(seam_http_test(x), status, 2);
    seam_http_respond(x, 200, NULL, "still answered");
}

/* What a server answers is told when it has been sent, and the client may be the first to go on. */
static const struct trial_options quiet = { .no_exchanges = true };

static void counts_checks(seam_t *t)
{
    seam_http_server *server = seam_http_serve(t, fail_a_check, NULL);

    seam_check_contains(t, caller_ask(t, server, GET_LAST("/")), "still answered");
}

SEAM_TEST(server_counts_the_checks_of_a_handler)
{
    seam_check_match(t, trial_run(t, counts_checks, &quiet),
                     "^error t: status\ngot:  1\nwant: 2\nend t fail\n$");
}

static void answer_or_cut(seam_http_exchange *x, void *arg)
{
    (void)arg;
    if (strcmp(seam_http_path(x), "/cut") == 0)
        seam_http_reset(x);
    seam_http_respond(x, 404, NULL, "no");
}

static void serves(seam_t *t)
{
    seam_http_server *server = seam_http_serve(t, answer_or_cut, NULL);

    caller_ask(t, server, GET_LAST("/a?token=secret"));
    caller_ask(t, server, GET_LAST("/cut"));
    seam_http_stop(server);
    seam_log(t, "stopped");
}

SEAM_TEST(server_tells_what_it_answered)
{
    trial_says(t, serves,
               "exchange t: GET /a?token=***\n404\n\n\n"
               "exchange t: GET /cut\n\nthe connection was closed\n\n"
               "log t: stopped\n"
               "end t pass\n");
}

static void fail_for_good(seam_http_exchange *x, void *arg)
{
    if (strcmp(seam_http_path(x), "/sent") == 0)
        seam_http_flush(x);
    seam_http_write(x, "lost", 4);
    if (arg)
        seam_fatal(seam_http_test(x), "no way");
}

static void ends_a_handler(seam_t *t)
{
    seam_http_server *server = seam_http_serve(t, fail_for_good, t);
    const char *answer = caller_ask(t, server, GET_LAST("/"));
    const char *cut = caller_ask(t, server, GET_LAST("/sent"));

    seam_log(t, "%.12s %s", answer, strstr(answer, "\r\n\r\n") + 4);
    seam_log(t, "%s", strstr(cut, "\r\n\r\n") + 4);
}

SEAM_TEST(server_answers_500_when_a_fatal_ends_a_handler)
{
    trial_says_with(
        t, ends_a_handler, &quiet,
        "error t: no way\n"
        "error t: no way\n"
        "log t: HTTP/1.1 500 a failure ended the handler; see the test's report\n(end)\n"
        "log t: (Connection reset by peer)\n"
        "end t fail\n");
}

static void misuse(seam_http_exchange *x, void *arg)
{
    (void)arg;
    seam_http_add_field(x, "X", "a\r\nb");
    seam_http_set_status(x, 100);
    seam_http_inform(x, 103, "no field");
    seam_http_flush(x);
    seam_http_set_status(x, 201);
}

static void misuses(seam_t *t)
{
    caller_ask(t, seam_http_serve(t, misuse, NULL), GET_LAST("/a"));
}

SEAM_TEST(server_says_what_a_handler_cannot_do)
{
    trial_says_with(
        t, misuses, &quiet,
        "error t: seam_http_add_field: 'X: a\r\nb' is no field: a name is one word, a value "
        "one line\n"
        "error t: seam_http_set_status: 100 is no status of an answer: 200 to 999\n"
        "error t: seam_http_inform: 'no field' is not 'Name: value'\n"
        "error t: seam_http_set_status: the status and fields of the answer to GET /a have "
        "been sent; call it before seam_http_flush\n"
        "end t fail\n");
}

static void says_malformed(seam_t *t)
{
    caller_ask(t, seam_http_serve(t, caller_greet, NULL), "HELO\r\n\r\n");
}

SEAM_TEST(server_reports_a_malformed_request)
{
    seam_check_match(t, trial_run(t, says_malformed, NULL),
                     "^log t: a request from '127.0.0.1:[0-9]+' was answered with 400: the "
                     "request line is not 'method target version': 'HELO'\nend t pass\n$");
}

static void says_secrets(seam_t *t)
{
    seam_http_server *server = seam_http_serve(t, caller_greet, NULL);

    caller_ask(t, server, "GET /?token=abc\r\n\r\n");
    caller_ask(t, server, "GET / HTTP/1.1\r\nAuthorization Bearer abc\r\n\r\n");
}

SEAM_TEST(server_masks_what_it_quotes_of_a_malformed_request)
{
    const char *said = trial_run(t, says_secrets, NULL);

    seam_check_contains(t, said, "version': 'GET /?token=***'\n");
    seam_check_contains(t, said, "value': 'Authorization ***'\n");
}

/* Without a :path, which HTTP/2 has no answer to. */
static void says_malformed_h2(seam_t *t)
{
    static const char words[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                "\0\0\0\4\0\0\0\0\0"
                                "\0\0\1\1\5\0\0\0\1\x82";
    int fd = caller_connect(t, seam_http_serve(t, caller_greet, NULL, .http2 = true));

    seam_require_eq(t, send(fd, words, sizeof words - 1, MSG_NOSIGNAL), sizeof words - 1);
    shutdown(fd, SHUT_WR);
    caller_hear(t, fd, NULL);
    close(fd);
}

SEAM_TEST(server_says_of_a_malformed_request_of_http2_that_it_was_reset)
{
    seam_check_match(t, trial_run(t, says_malformed_h2, NULL),
                     "^log t: from '127.0.0.1:[0-9]+': a malformed request was reset: there is "
                     "no :authority\nend t pass\n$");
}

struct blocked {
    pthread_mutex_t lock;
    pthread_cond_t runs;
    bool is_running;
};

/* Blocks until the server has said so, which is what it waits for. */
static void block(seam_http_exchange *x, void *arg)
{
    struct blocked *blocked = arg;

    pthread_mutex_lock(&blocked->lock);
    blocked->is_running = true;
    pthread_cond_broadcast(&blocked->runs);
    pthread_mutex_unlock(&blocked->lock);
    while (!seam_failed(seam_http_test(x)))
        poll(NULL, 0, 1);
}

static void blocks(seam_t *t)
{
    static struct blocked blocked = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
                                      false };
    seam_http_server *server = seam_http_serve(t, block, &blocked);
    int fd = caller_connect(t, server);

    http_server_patience_ms = 50;
    caller_say(t, fd, GET("/slow"));
    pthread_mutex_lock(&blocked.lock);
    while (!blocked.is_running)
        pthread_cond_wait(&blocked.runs, &blocked.lock);
    pthread_mutex_unlock(&blocked.lock);
    seam_http_stop(server);
    close(fd);
}

SEAM_TEST(server_names_the_handler_that_blocks_its_end)
{
    seam_check_match(t, trial_run(t, blocks, &quiet),
                     "^error t: this server cannot stop: for 50 ms it has waited for the "
                     "handler that answers GET /slow of '127.0.0.1:[0-9]+'\nend t fail\n$");
}

static void starts_in_vain(seam_t *t)
{
    seam_http_serve(t, caller_greet, NULL, .unix_socket = "/nowhere/socket");
}

/* The socket takes the last descriptor that there is, and the loop finds none. */
static void starts_without_loop(seam_t *t)
{
    const char *path = seam_path(t, "%s/socket", getenv("SERVER_FOLDER"));
    int next = t_private_fd(dup(STDERR_FILENO));
    struct rlimit limit;

    seam_require_ok(t, getrlimit(RLIMIT_NOFILE, &limit));
    t_private_close(next);
    limit.rlim_cur = (rlim_t)next + 1;
    seam_require_ok(t, setrlimit(RLIMIT_NOFILE, &limit));
    seam_http_serve(t, caller_greet, NULL, .unix_socket = path);
}

SEAM_TEST(server_that_cannot_start_leaves_no_socket)
{
    const char *folder = seam_tempdir(t);

    seam_setenv(t, "SERVER_FOLDER", folder);
    seam_check_contains(t, trial_run(t, starts_without_loop, NULL),
                        "error t: cannot start a server: cannot listen on '");
    seam_check_ok(t, rmdir(folder));
    seam_check_ok(t, mkdir(folder, 0700)); /* the test removes it */
}

SEAM_TEST(server_says_why_it_cannot_start)
{
    trial_says(
        t, starts_in_vain,

        "error t: cannot start a server: cannot listen on '/nowhere/socket': No such file "
        "or directory\n"
        "end t fail\n");
}

static void starts_without_tls(seam_t *t)
{
    seam_http_serve(t, caller_greet, NULL, .client_ca = "ca.pem");
}

SEAM_TEST(server_says_that_client_ca_needs_tls)
{
    trial_says(t, starts_without_tls,
               "error t: cannot start a server: .client_ca 'ca.pem' needs .tls\n"
               "end t fail\n");
}

SEAM_TEST(server_stops_before_the_test_ends)
{
    struct heard *heard = seam_alloc(t, sizeof *heard);
    seam_http_server *server = seam_http_serve(t, caller_greet, NULL);
    CURL *curl = caller_curl(heard);

    seam_check(t, caller_get(t, curl, heard, seam_http_url(server, "/")));
    seam_http_stop(server);
    seam_http_stop(server);
    seam_check_null(t, caller_get(t, curl, heard, seam_http_url(server, "/")));
    curl_easy_cleanup(curl);
}

SEAM_TEST(server_closes_connections_and_goes_on)
{
    seam_http_server *server = seam_http_serve(t, caller_greet, NULL);
    int fd = caller_connect(t, server);

    caller_say(t, fd, GET("/"));
    caller_hear(t, fd, "World");
    seam_http_close_connections(server);
    seam_check_match(t, caller_hear(t, fd, NULL), "^\\((end|Connection reset by peer)\\)$");
    seam_check_contains(t, caller_ask(t, server, GET_LAST("/")), "Hello, World");
    close(fd);
}

/* It has the descriptors no more, and must not stop what is its parent's. */
SEAM_TEST(server_belongs_to_the_process_that_started_it)
{
    seam_http_server *server = seam_http_serve(t, caller_greet, NULL, .unix_socket = "");
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        seam_http_stop(server);
        _exit(0);
    }
    seam_require_eq(t, waitpid(pid, &status, 0), pid);
    seam_check_eq(t, status, 0);
    seam_check_ok(t, access(seam_http_socket(server), F_OK));
}

/* Blocks until a connection that lay idle has been closed. */
static void hear_end(seam_http_exchange *x, void *arg)
{
    const int *idle = arg;

    (void)x;
    while (recv(*idle, (char[1]){ 0 }, 1, 0) > 0)
        ;
}

SEAM_TEST(server_closes_idle_connections_before_it_waits_for_handlers)
{
    int idle = -1;
    seam_http_server *server = seam_http_serve(t, hear_end, &idle);
    int busy = caller_connect(t, server);

    idle = caller_connect(t, server);
    http_server_patience_ms = 1000;
    caller_say(t, busy, GET("/"));
    seam_http_stop(server);
    caller_hear(t, busy, NULL);
    close(busy);
    close(idle);
}

static void serves_one(seam_t *t)
{
    seam_http_server *server = seam_http_serve(t, caller_greet, NULL);

    seam_check_contains(t, caller_ask(t, server, GET_LAST("/")), "HTTP/1.1 200 OK");
}

SEAM_TEST(server_leaves_nothing_behind)
{
    static const struct trial_options leaks = { .flags = AGENT_LEAKS };

    const char *said = trial_run(t, serves_one, &leaks);

    seam_check_contains(t, said, "2 descriptors open: 3 pipe, 4 pipe\n"); /* the trial's own */
    seam_check(t, !strstr(said, "thread"));
}

static void *sleep_on(void *arg)
{
    pause();
    return arg;
}

static void leaves_a_thread(seam_t *t)
{
    pthread_t thread;

    serves_one(t);
    pthread_create(&thread, NULL, sleep_on, NULL);
    pthread_detach(thread);
}

SEAM_TEST(server_threads_are_not_those_that_a_test_leaves)
{
    static const struct trial_options leaks = { .flags = AGENT_LEAKS };

    if (crash_is_sanitized())
        seam_skip(t, "threads are not counted beside those of a sanitizer");
    seam_check_contains(t, trial_run(t, leaves_a_thread, &leaks), "left 1 thread running");
}
