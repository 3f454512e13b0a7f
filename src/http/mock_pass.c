/* http/mock_pass.c - calls that a mock hands on to the real origin; see mock_pass.h. */

#include "http/mock_pass.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/forward.h"
#include "http/origin.h"
#include "test/t.h"

struct mock_pass {
    struct forward *forward; /* made with the first call */
    const char *host; /* NULL: where the name leads */
    int port;
    bool for_all; /* seam_http_mock_pass was called */
    struct rule_set *overlay; /* one rule, whose reply is laid over each answer; or NULL */
};

/* ---- asking */

static void answered(void *arg, const struct http_message *answer, const char *error)
{
    struct mock_call *call = arg;

    if (call->x && !call->mock->stopped)
        call->asked(call, answer, error);
    mock_leave(call);
}

int mock_pass_ask(struct mock_call *call, mock_pass_fn *done, struct err *err)
{
    struct mock_pass *pass = call->mock->pass;
    struct forward_request request = { .scheme = call->mock->scheme,
                                       .host = call->call.host,
                                       .port = call->mock->port,
                                       .to_host = pass->host,
                                       .to_port = pass->port,
                                       .message = &call->entry->request,
                                       .done = answered,
                                       .arg = call };
    int r = pass->forward ? 0 : forward_new(&pass->forward, err);

    if (r < 0)
        return r;
    call->asked = done;
    mock_enter(call); /* until it is answered */
    forward_put(pass->forward, &request);
    return 0;
}

/* ---- the overlay */

static struct http_fields copy_fields(struct mock_call *call, const struct http_fields *fields,
                                      const struct http_fields *over)
{
    struct http_field *at =
        arena_zero(&call->arena, (fields->count + over->count + 1) * sizeof *at);
    size_t count = 0;

    for (size_t i = 0; i < fields->count; i++)
        if (!http_value(over, fields->at[i].name))
            at[count++] = (struct http_field){ arena_dup(&call->arena, fields->at[i].name),
                                               arena_dup(&call->arena, fields->at[i].value) };
    for (size_t i = 0; i < over->count; i++)
        at[count++] = over->at[i];
    return (struct http_fields){ at, count };
}

/* The answer outlives its transfer: the program may be slow to take it. */
static void copy_answer(struct mock_call *call, const struct http_message *answer,
                        const struct http_fields *over)
{
    call->message = *answer;
    call->message.reason = arena_dup(&call->arena, answer->reason);
    call->message.fields = copy_fields(call, &answer->fields, over);
    call->message.body = arena_copy(&call->arena, answer->body, answer->body_size);
}

void mock_pass_copy(struct mock_call *call, const struct http_message *answer)
{
    static const struct http_fields none;

    copy_answer(call, answer, &none);
}

static bool has_body(const seam_http_reply *reply)
{
    return reply->json || reply->body || reply->file || reply->text;
}

static int lay_over(struct mock_call *call, const struct http_message *answer, struct err *err)
{
    struct rule_choice choice = rule_choose(call->mock->pass->overlay, &call->call);
    struct http_message over;
    int r = rule_reply_message(choice.reply, &call->call, choice.rule, &over, err);

    if (r < 0)
        return r;
    copy_answer(call, answer, &over.fields);
    if (choice.reply->status) {
        call->message.status = over.status;
        call->message.reason = over.reason;
    }
    if (has_body(choice.reply)) {
        call->message.body = over.body;
        call->message.body_size = over.body_size;
    }
    return 0;
}

/* ---- handing on */

static void hand_back(struct mock_call *call, const struct http_message *answer,
                      const char *error)
{
    struct err err;

    call->note = "from the real origin";
    if (!answer) {
        mock_fail(call, call->mock->site, 502,
                  arena_printf(&call->arena, "the real origin gave no answer: %s", error));
        return;
    }
    if (!call->mock->pass->overlay)
        mock_pass_copy(call, answer);
    else if (lay_over(call, answer, &err) < 0) {
        mock_fail(call, call->mock->site, 500, err.text);
        return;
    }
    mock_answer(call);
}

void mock_pass_on(struct mock_call *call)
{
    struct err err;

    if (!call->mock->pass->for_all)
        mock_unexpected(call);
    else if (mock_pass_ask(call, hand_back, &err) < 0)
        mock_fail(call, call->mock->site, 502, err.text);
}

/* ---- */

static int parse_address(struct seam_http_mock *mock, const char *address, struct err *err)
{
    struct mock_pass *pass = mock->pass;
    const char *scheme;
    int r;

    if (!strrchr(address, ':') || strstr(address, "://"))
        return err_set(err, -EINVAL, "'%s' is no address: write \"host:port\"", address);
    r = http_origin_parse(t_arena(mock->t),
                          arena_printf(t_arena(mock->t), "http://%s", address), &scheme,
                          &pass->host, &pass->port, NULL);
    return r < 0 ? err_set(err, r, "'%s' is no address: write \"host:port\"", address) : 0;
}

int mock_pass_open(struct seam_http_mock *mock, const char *address, struct err *err)
{
    if (mock->has_own_url && !address)
        return err_set(err, -EINVAL,
                       "a mock with a URL of its own stands in for no origin: "
                       "give the address to pass to");
    if (!mock->pass)
        mock->pass = arena_zero(t_arena(mock->t), sizeof *mock->pass);
    mock->pass->host = NULL;
    return address ? parse_address(mock, address, err) : 0;
}

static int set_overlay(struct seam_http_mock *mock, const seam_http_reply *overlay,
                       struct err *err)
{
    seam_http_rule rule = { .any_times = true, .reply = { *overlay }, .site = mock->site };

    mock->pass->overlay = rule_set_new();
    return rule_add(mock->pass->overlay, &rule, t_source_path(mock->t, mock->site, "."), err);
}

void seam_http_mock_pass(seam_http_mock *mock, const char *address,
                         const seam_http_reply *overlay)
{
    struct err err;
    int r;

    loop_lock();
    r = mock_pass_open(mock, address, &err);
    if (r == 0) {
        mock->pass->for_all = true;
        rule_set_free(mock->pass->overlay);
        mock->pass->overlay = NULL;
        if (overlay)
            r = set_overlay(mock, overlay, &err);
    }
    loop_unlock();
    if (r < 0)
        seam_fatal_at(mock->t, mock->site, "seam_http_mock_pass: %s", err.text);
}

void mock_pass_stop(struct seam_http_mock *mock)
{
    if (!mock->pass)
        return;
    forward_stop(mock->pass->forward);
    mock->pass->forward = NULL;
    rule_set_free(mock->pass->overlay);
    mock->pass->overlay = NULL;
}
