/* service/wait_read.c - conditions as a test has written them, and in words; see wait.h. */

#define PCRE2_CODE_UNIT_WIDTH 8

#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/message_list.h"
#include "service/probe.h"
#include "service/wait.h"

enum { WORDS_MAX = 64 };

static int compile(struct wait_condition *condition, struct err *err)
{
    PCRE2_UCHAR words[200];
    PCRE2_SIZE offset;
    int code;

    condition->pattern =
        pcre2_compile((PCRE2_SPTR)condition->text, PCRE2_ZERO_TERMINATED,
                      PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &code, &offset, NULL);
    if (condition->pattern)
        return 0;
    pcre2_get_error_message(code, words, sizeof words);
    return err_set(err, -EINVAL, "the pattern '%s' of .log_pattern is wrong at byte %zu: %s",
                   condition->text, (size_t)offset, (const char *)words);
}

static int read_one(const struct message *written, int depth, struct arena *arena,
                    struct wait_condition *ret, struct err *err);

static int read_parts(const struct message *written, int depth, struct arena *arena,
                      struct wait_condition *ret, struct err *err)
{
    struct message key, value;
    size_t at = 0;
    int r = 0;

    ret->parts = arena_zero(arena, (message_count(written, "part") + 1) * sizeof *ret->parts);
    while (r == 0 && message_next(written, &at, &key, &value) == 1)
        if (message_is(&key, "part"))
            r = read_one(&value, depth + 1, arena, &ret->parts[ret->part_count++], err);
    return r;
}

static int read_one(const struct message *written, int depth, struct arena *arena,
                    struct wait_condition *ret, struct err *err)
{
    int kind = (int)message_int(written, "kind", WAIT_KINDS);

    if (kind < 0 || kind >= WAIT_KINDS)
        return err_set(err, -EPROTO, "there is no such condition");
    if (depth > WAIT_DEPTH)
        return err_set(err, -EINVAL, "conditions may be nested %d deep", WAIT_DEPTH);
    *ret = (struct wait_condition){
        .kind = (enum wait_kind)kind,
        .port = (int)message_int(written, "port", 0),
        .text = message_copy(written, "text", arena),
        .times = (int)message_int(written, "times", 1),
        .status = (int)message_int(written, "status", 0),
        .header = message_copy(written, "header", arena),
        .body = message_copy(written, "body", arena),
        .words = message_copy(written, "words", arena),
        .tls = message_int(written, "tls", 0) != 0,
        .argv =
            message_count(written, "argv") > 0 ? message_list(written, "argv", arena) : NULL,
        .probe = (int)message_int(written, "probe", 0),
    };
    if (kind == WAIT_PROBE && !probe_name(ret->probe))
        return err_set(err, -EINVAL, ".probe is %d, which is none", ret->probe);
    if (kind == WAIT_LOG && message_int(written, "pattern", 0) != 0)
        return compile(ret, err);
    return read_parts(written, depth, arena, ret, err);
}

int wait_read(const struct message *written, struct arena *arena, struct wait_condition *ret,
              struct err *err)
{
    int r;

    *ret = (struct wait_condition){ .kind = WAIT_ALL };
    r = read_one(written, 0, arena, ret, err);
    if (r < 0)
        wait_fini(ret);
    return r;
}

void wait_fini(struct wait_condition *condition)
{
    pcre2_code_free(condition->pattern);
    condition->pattern = NULL;
    for (size_t i = 0; i < condition->part_count; i++)
        wait_fini(&condition->parts[i]);
}

/* ---- in words */

static void describe_argv(const char *const *argv, struct buf *ret)
{
    buf_add_text(ret, "the command '");
    for (int i = 0; argv && argv[i] && i < WORDS_MAX; i++)
        buf_printf(ret, "%s%.80s", i > 0 ? " " : "", argv[i]);
    buf_add_text(ret, "' ends with 0");
}

static void describe_port(int port, struct buf *ret)
{
    if (port > 0)
        buf_printf(ret, "port %d", port);
    else
        buf_add_text(ret, "its first port");
}

static void describe_http(const struct wait_condition *condition, struct buf *ret)
{
    buf_printf(ret, "GET %s%s on ", condition->text, condition->tls ? " over TLS" : "");
    describe_port(condition->port, ret);
    buf_printf(ret, " is answered with %d", condition->status);
    if (condition->header)
        buf_printf(ret, ", '%.80s'", condition->header);
    if (condition->body)
        buf_printf(ret, ", '%.80s' in the body", condition->body);
}

static void describe_parts(const struct wait_condition *condition, struct buf *ret)
{
    const char *between = condition->kind == WAIT_ALL ? " and " : " or ";

    for (size_t i = 0; i < condition->part_count; i++) {
        if (i > 0)
            buf_add_text(ret, between);
        wait_describe(&condition->parts[i], ret);
    }
}

void wait_describe(const struct wait_condition *condition, struct buf *ret)
{
    switch (condition->kind) {
    case WAIT_ALL:
    case WAIT_ANY:
        describe_parts(condition, ret);
        break;
    case WAIT_PORT:
        describe_port(condition->port, ret);
        buf_add_text(ret, " accepts");
        break;
    case WAIT_LOG:
        buf_printf(ret, "its log %s '%.200s'", condition->pattern ? "matches" : "has",
                   condition->text);
        if (condition->times > 1)
            buf_printf(ret, " %d times", condition->times);
        break;
    case WAIT_HTTP:
        describe_http(condition, ret);
        break;
    case WAIT_EXEC:
        describe_argv(condition->argv, ret);
        break;
    case WAIT_HEALTHY:
        buf_add_text(ret, "its health check passes");
        break;
    case WAIT_EXIT:
        buf_printf(ret, "it ends with status %d", condition->status);
        break;
    case WAIT_FILE:
        buf_printf(ret, "the file '%.200s' is there", condition->text);
        break;
    case WAIT_SQL:
        buf_printf(ret, "'%.200s' is answered", condition->text);
        break;
    case WAIT_PROBE:
        buf_printf(ret, "%s answers on ", probe_name(condition->probe));
        describe_port(condition->port, ret);
        break;
    case WAIT_RUNS:
    case WAIT_KINDS:
        buf_add_text(ret, "it runs");
    }
}
