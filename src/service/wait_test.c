/* service/wait_test.c - conditions of a server that is only pretended, within their deadline. */

#include "service/wait.h"

#include <seam/seam.h>

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/deadline.h"

/* A server that does what a table says: at each look one more step has happened. */
struct pretended {
    const char *const *log; /* a chunk a look; NULL: no more */
    int ends_at; /* the look; 0: never */
    int lost_at; /* the look from which nobody answers for it; 0: never */
    int status;
    const char *const *health; /* a word a look, the last one for good */
    int file_at; /* the look from which a file is there; 0: never */
    int exec_status;
    int looks;
    size_t chunks;
    struct buf text;
};

static int pretend_state(void *of, bool with_health, int *ret_status, const char **ret_health)
{
    struct pretended *server = of;

    server->looks++;
    *ret_status = server->status;
    *ret_health = with_health && server->health ? *server->health : NULL;
    if (server->health && server->health[1])
        server->health++;
    if (server->log && server->log[server->chunks])
        buf_add_text(&server->text, server->log[server->chunks++]);
    if (server->lost_at && server->looks >= server->lost_at)
        return -ENOTCONN;
    return !server->ends_at || server->looks < server->ends_at;
}

static void pretend_log(void *of, size_t seen, int wait_ms, struct buf *ret)
{
    struct pretended *server = of;

    if (wait_ms > 0)
        poll(NULL, 0, 1);
    if (seen < server->text.size)
        buf_add(ret, server->text.data + seen, server->text.size - seen);
}

static int pretend_file(void *of, const char *path)
{
    struct pretended *server = of;

    (void)path;
    return server->file_at && server->looks >= server->file_at ? 0 : -ENOENT;
}

static int pretend_exec(void *of, const char *const *argv, int timeout_ms, int *ret_status,
                        struct err *err)
{
    (void)argv, (void)timeout_ms, (void)err;
    *ret_status = ((struct pretended *)of)->exec_status;
    return 0;
}

static int pretend_address(void *of, int port, bool inside, struct buf *host, int *ret_port)
{
    (void)of, (void)port, (void)inside, (void)host, (void)ret_port;
    return -ENOENT;
}

static int wait_on(seam_t *t, struct pretended *server, struct wait_condition *condition,
                   const char **ret_story)
{
    struct wait_server calls = { .name = "it",
                                 .owner = "the Docker daemon",
                                 .where = "unix:///x",
                                 .of = server,
                                 .begun_ns = now_ns(),
                                 .address = pretend_address,
                                 .exec = pretend_exec,
                                 .file = pretend_file,
                                 .state = pretend_state,
                                 .log = pretend_log };
    struct buf steps = BUF_INIT(1 << 16), story = BUF_INIT(1 << 16);
    int r;

    server->text = BUF_INIT(1 << 20);
    r = wait_for(condition, &calls, deadline_after_ms(60), NULL, &steps, &story);
    *ret_story = seam_format(t, "%s", buf_text(&story));
    buf_fini(&steps);
    buf_fini(&story);
    buf_fini(&server->text);
    return r;
}

#define LOG(...) ((const char *const[]){ __VA_ARGS__, NULL })

SEAM_TEST(wait_for_single_conditions)
{
    static const char *const command[] = { "true", NULL };
    const struct {
        struct wait_condition condition;
        struct pretended server;
        int want;
    } cases[] = {
        { { .kind = WAIT_RUNS }, { 0 }, 0 },
        { { .kind = WAIT_RUNS }, { .ends_at = 1 }, -ECHILD },
        { { .kind = WAIT_LOG, .text = "ready", .times = 1 },
          { .log = LOG("a re", "ady b") },
          0 },
        { { .kind = WAIT_LOG, .text = "ready", .times = 1 },
          { .log = LOG("a re") },
          -ETIMEDOUT },
        { { .kind = WAIT_LOG, .text = "ready", .times = 2 },
          { .log = LOG("ready", " and ready") },
          0 },
        { { .kind = WAIT_LOG, .text = "ready", .times = 3 },
          { .log = LOG("ready", "ready") },
          -ETIMEDOUT },
        { { .kind = WAIT_LOG, .text = "aa", .times = 2 },
          { .log = LOG("a", "a", "a") },
          -ETIMEDOUT },
        { { .kind = WAIT_LOG, .text = "aa", .times = 2 },
          { .log = LOG("a", "a", "a", "a") },
          0 },
        { { .kind = WAIT_LOG, .text = "done", .times = 1 },
          { .log = LOG("done"), .ends_at = 1 },
          0 },
        { { .kind = WAIT_EXIT, .status = 3 }, { .ends_at = 3, .status = 3 }, 0 },
        { { .kind = WAIT_EXIT, .status = 0 }, { .ends_at = 3, .status = 3 }, -ECHILD },
        { { .kind = WAIT_EXIT }, { 0 }, -ETIMEDOUT },
        { { .kind = WAIT_HEALTHY }, { .health = LOG("starting", "unhealthy", "healthy") }, 0 },
        { { .kind = WAIT_HEALTHY }, { .health = LOG("starting", "unhealthy") }, -ETIMEDOUT },
        { { .kind = WAIT_FILE, .text = "/f" }, { .file_at = 3 }, 0 },
        { { .kind = WAIT_FILE, .text = "/f" }, { 0 }, -ETIMEDOUT },
        { { .kind = WAIT_EXEC, .argv = command }, { .exec_status = 0 }, 0 },
        { { .kind = WAIT_EXEC, .argv = command }, { .exec_status = 1 }, -ETIMEDOUT },
        { { .kind = WAIT_EXEC, .argv = command }, { .ends_at = 1 }, -ECHILD },
        { { .kind = WAIT_PORT, .port = 80 }, { 0 }, -ETIMEDOUT },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wait_condition condition = cases[i].condition;
        struct pretended server = cases[i].server;
        const char *story;
        int got = wait_on(t, &server, &condition, &story);

        seam_check_str(t, seam_format(t, "case %zu: %d", i, got),
                       seam_format(t, "case %zu: %d", i, cases[i].want));
    }
}

SEAM_TEST(wait_for_all_and_any_nested)
{
    struct wait_condition never = { .kind = WAIT_LOG, .text = "never", .times = 1 },
                          file = { .kind = WAIT_FILE, .text = "/f" },
                          log = { .kind = WAIT_LOG, .text = "up", .times = 1 };
    struct wait_condition either[] = { never, file }, both[] = { log, file };
    struct wait_condition nested[] = { { .kind = WAIT_ANY, .parts = either, .part_count = 2 },
                                       { .kind = WAIT_ALL, .parts = both, .part_count = 2 } };
    struct wait_condition whole = { .kind = WAIT_ALL, .parts = nested, .part_count = 2 };
    struct pretended server = { .file_at = 4, .log = LOG("up") };
    const char *story;

    seam_check_ok(t, wait_on(t, &server, &whole, &story));
    seam_check_eq(t, server.looks, 4);
    seam_check_str(t, story, "");
}

SEAM_TEST(wait_of_any_with_nothing_in_it_never_holds)
{
    struct wait_condition none = { .kind = WAIT_ANY };
    struct pretended server = { 0 };
    const char *story;

    seam_check_eq(t, wait_on(t, &server, &none, &story), -ETIMEDOUT);
}

SEAM_TEST(wait_tells_what_was_missing)
{
    struct wait_condition parts[] = { { .kind = WAIT_LOG, .text = "up", .times = 1 },
                                      { .kind = WAIT_LOG, .text = "down", .times = 2 },
                                      { .kind = WAIT_PORT, .port = 80 } };
    struct wait_condition all = { .kind = WAIT_ALL, .parts = parts, .part_count = 3 };
    struct pretended server = { .log = LOG("up\n", "down\n"), .ends_at = 2, .status = 139 };
    const char *story;

    seam_check_eq(t, wait_on(t, &server, &all, &story), -ECHILD);
    seam_check_match(
        t, story,
        "^'it' has ended with status 139 \\(SIGSEGV\\) before it was ready, after \\d+ ms\n"
        "    what happened:\n"
        " +\\d+ ms  its log has 'up'\n"
        " +\\d+ ms  it has ended with status 139 \\(SIGSEGV\\)\n"
        "    what was still waited for:\n"
        "        its log has 'down' 2 times: found 1 times in 8 bytes\n"
        "        port 80 accepts: it is none of its ports\n"
        "    its log:\n"
        "        up\n"
        "        down$");
}

SEAM_TEST(wait_shows_the_last_lines_of_a_log)
{
    static const struct {
        const char *log, *want;
    } cases[] = {
        { "", "    its log is empty\n" },
        { "\n\n", "    its log is empty\n" },
        { "a\r\nb", "    its log:\n        a\n        b\n" },
        { "a\n\n", "    its log:\n        a\n" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf got = BUF_INIT(1000);

        wait_log_tail(cases[i].log, strlen(cases[i].log), &got);
        seam_check_str(t, buf_text(&got), cases[i].want);
        buf_fini(&got);
    }
}

/* ---- reading ---------------------------------------------------------------------------- */

static struct wait_condition pattern(seam_t *t, struct arena *arena, const char *text,
                                     int times)
{
    struct buf frame = BUF_INIT(10000);
    struct wait_condition condition;
    struct err err = { "" };
    struct message written;

    message_begin(&frame);
    message_add_int(&frame, "kind", WAIT_LOG);
    message_add_text(&frame, "text", text);
    message_add_int(&frame, "pattern", 1);
    message_add_int(&frame, "times", times);
    written = (struct message){ frame.data + 4, frame.size - 4 };
    if (wait_read(&written, arena, &condition, &err) < 0)
        seam_fatal(t, "%s", err.text);
    buf_fini(&frame);
    return condition;
}

SEAM_TEST(wait_pattern_counts_lines)
{
    static const struct {
        const char *pattern;
        int times;
        const char *log;
        bool want;
    } cases[] = {
        { "^b.*d$", 1, "a\nbcd\n", true },    { "^b.*d$", 1, "a\nbcd", true },
        { "^b.*d$", 1, "a\nbc\nd\n", false }, { "^b.*d$", 2, "bd\nbd\n", true },
        { "^b.*d$", 2, "bd bd\n", false },    { "b$", 1, "ab\r\n", true },
        { "x", 1, "\xff\xfe x\n", true },     { "(?i)READY", 1, "ready", true },
    };
    struct arena arena = { NULL };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wait_condition whole = pattern(t, &arena, cases[i].pattern, cases[i].times),
                              grown = pattern(t, &arena, cases[i].pattern, cases[i].times);
        bool held = false;

        seam_check_str(t,
                       seam_format(t, "case %zu: %d", i,
                                   wait_scan(&whole, cases[i].log, strlen(cases[i].log))),
                       seam_format(t, "case %zu: %d", i, cases[i].want));
        for (size_t size = 0; size <= strlen(cases[i].log); size++)
            held = wait_scan(&grown, cases[i].log, size);
        seam_check_eq(t, held, cases[i].want);
        wait_fini(&whole);
        wait_fini(&grown);
    }
    arena_fini(&arena);
}

SEAM_TEST(wait_refuses_what_is_no_condition)
{
    struct buf frame = BUF_INIT(10000);
    struct wait_condition condition;
    struct arena arena = { NULL };
    struct err err = { "" };
    struct message written;

    message_begin(&frame);
    message_add_int(&frame, "kind", WAIT_KINDS);
    written = (struct message){ frame.data + 4, frame.size - 4 };
    seam_check_eq(t, wait_read(&written, &arena, &condition, &err), -EPROTO);
    seam_check_str(t, err.text, "there is no such condition");
    buf_fini(&frame);
    arena_fini(&arena);
}

/* ---- HTTP ------------------------------------------------------------------------------- */

SEAM_TEST(wait_judges_http_answers)
{
    static const struct {
        struct wait_condition condition;
        int status;
        const char *headers, *body;
        const char *want; /* "": it holds */
    } cases[] = {
        { { .status = 200 }, 200, "", "", "" },
        { { .status = 200 }, 503, "", "", "answered with 503" },
        { { .status = 404 }, 404, "", "", "" },
        { { .status = 200, .header = "X-State: up" },
          200,
          "HTTP/1.1 200 OK\r\nx-state:  up \r\n",
          "",
          "" },
        { { .status = 200, .header = "X-State: up" },
          200,
          "X-State: upper\r\n",
          "",
          "answered without 'X-State: up'" },
        { { .status = 200, .header = "X-State: up" },
          200,
          "Not-X-State: up\r\n",
          "",
          "answered without 'X-State: up'" },
        { { .status = 200, .body = "ok" }, 200, "", "{\"ok\"}", "" },
        { { .status = 200, .body = "ok" }, 200, "", "down", "the body lacks it: 'down'" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wait_condition condition = cases[i].condition;
        bool held = wait_judge_http(&condition, cases[i].status, cases[i].headers,
                                    cases[i].body, strlen(cases[i].body));

        seam_check_eq(t, held, cases[i].want[0] == '\0');
        seam_check_str(t, condition.last, cases[i].want);
    }
}

SEAM_TEST(wait_ends_when_nobody_can_tell)
{
    struct pretended lost = { .lost_at = 2 }, removed = { .ends_at = 1, .status = -1 };
    struct wait_condition condition = { .kind = WAIT_LOG, .text = "ready", .times = 1 };
    struct wait_condition end = { .kind = WAIT_EXIT };
    const char *story;

    seam_check_eq(t, wait_on(t, &lost, &condition, &story), -ENOTCONN);
    seam_check_match(t, story,
                     "^the Docker daemon at 'unix:///x' does not answer any more, and 'it' was "
                     "not ready, after \\d+ ms\n");
    seam_check_match(t, story, "the Docker daemon is gone\n");
    seam_check_eq(t, wait_on(t, &(struct pretended){ .lost_at = 1 }, &end, &story), -ENOTCONN);
    seam_check_eq(t, wait_on(t, &removed, &condition, &story), -ECHILD);
    seam_check_match(t, story,
                     "^somebody has removed 'it' before it was ready, after \\d+ ms\n");
}
