/* http/reply.c - scripted replies: checked, copied, made into messages; see reply.h. */

#include "http/reply.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/io.h"
#include "http/match_coding.h"
#include "http/rule_set.h"

enum { STATUS_MIN = 200, STATUS_MAX = 999 };

/* ---- what a reply may be ------------------------------------------------------------------- */

bool reply_is_end(const seam_http_reply *reply)
{
    return reply->status == 0 && !reply->header[0] && !reply->json && !reply->body &&
           reply->size == 0 && !reply->file && !reply->text && !reply->fn && !reply->arg &&
           !reply->trailer && !reply->inform && !reply->gzip && reply->delay_ms == 0 &&
           reply->delay_max_ms == 0 && reply->drip_bytes == 0 && reply->drip_ms == 0 &&
           reply->fault == 0 && reply->fault_after == 0;
}

bool reply_field(struct arena *arena, const char *line, struct http_field *ret)
{
    size_t name = strcspn(line, ":");
    const char *value = line + name + (line[name] == ':');
    size_t size;

    if (line[name] != ':' || !http_is_token(line, name) || strpbrk(line, "\r\n"))
        return false;
    value += strspn(value, " \t");
    for (size = strlen(value); size > 0 && strchr(" \t", value[size - 1]); size--)
        ;
    ret->name = arena_copy(arena, line, name);
    ret->value = arena_copy(arena, value, size);
    return true;
}

static int check_field(struct arena *arena, const char *label, const char *line,
                       struct err *err)
{
    struct http_field field;

    if (reply_field(arena, line, &field))
        return 0;
    return err_set(err, -EINVAL, "%s '%s' is no 'Name: value'", label, line);
}

static int check_fields(struct arena *arena, const seam_http_reply *reply, struct err *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < SEAM_HTTP_MAX && reply->header[i]; i++)
        r = check_field(arena, "header", reply->header[i], err);
    if (r == 0 && reply->trailer)
        r = check_field(arena, "trailer", reply->trailer, err);
    if (r == 0 && reply->inform)
        r = check_field(arena, "inform", reply->inform, err);
    return r;
}

static int check_body(const seam_http_reply *reply, struct err *err)
{
    const struct {
        const char *word;
        bool is_given;
    } bodies[] = {
        { ".json", reply->json }, { ".body", reply->body }, { ".file", reply->file },
        { ".text", reply->text }, { ".fn", reply->fn },
    };
    const char *body = NULL;

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        if (body && bodies[i].is_given)
            return err_set(err, -EINVAL, "%s and %s are both the body", body, bodies[i].word);
        if (bodies[i].is_given)
            body = bodies[i].word;
    }
    if (reply->size > 0 && !reply->body)
        return err_set(err, -EINVAL, "size is that of .body, which there is none of");
    if (reply->gzip && (!body || reply->fn))
        return err_set(err, -EINVAL, "gzip needs a .json, .body, .file or .text to compress");
    return 0;
}

static int check_time(const seam_http_reply *reply, struct err *err)
{
    const struct {
        const char *word;
        int value;
    } numbers[] = {
        { "delay_ms", reply->delay_ms },       { "delay_max_ms", reply->delay_max_ms },
        { "drip_bytes", reply->drip_bytes },   { "drip_ms", reply->drip_ms },
        { "fault_after", reply->fault_after },
    };

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].value < 0)
            return err_set(err, -EINVAL, "%s is %d", numbers[i].word, numbers[i].value);
    if (reply->delay_max_ms > 0 && reply->delay_max_ms <= reply->delay_ms)
        return err_set(err, -EINVAL, "delay_max_ms is %d, no more than delay_ms, %d",
                       reply->delay_max_ms, reply->delay_ms);
    if (reply->drip_ms > 0 && reply->drip_bytes == 0)
        return err_set(err, -EINVAL, "drip_ms is given without drip_bytes");
    return 0;
}

static int check_fault(const seam_http_reply *reply, struct err *err)
{
    bool cuts = reply->fault == SEAM_HTTP_RESET || reply->fault == SEAM_HTTP_CLOSE ||
                reply->fault == SEAM_HTTP_STALL;

    if (reply->fault < 0 || reply->fault >= SEAM_HTTP_FAULTS)
        return err_set(err, -EINVAL, "fault %d is none of enum seam_http_fault", reply->fault);
    if (reply->fault_after > 0 && !cuts)
        return err_set(err, -EINVAL,
                       "fault_after goes with SEAM_HTTP_RESET, _CLOSE or _STALL alone");
    if (rule_is_connection_fault(reply->fault) &&
        (reply->status || reply->header[0] || reply->json || reply->body || reply->file ||
         reply->text || reply->fn || reply->trailer || reply->inform))
        return err_set(err, -EINVAL,
                       "its fault happens when the program connects: there is no answer that "
                       "could have a status, header or body");
    return 0;
}

static int check(struct arena *arena, const seam_http_reply *reply,
                 const struct path_template *path_template, struct err *err)
{
    int r;

    if (reply->status != 0 && (reply->status < STATUS_MIN || reply->status > STATUS_MAX))
        return err_set(err, -EINVAL, "status %d is none from %d to %d", reply->status,
                       STATUS_MIN, STATUS_MAX);
    if ((r = check_fields(arena, reply, err)) < 0 || (r = check_body(reply, err)) < 0 ||
        (r = check_time(reply, err)) < 0 || (r = check_fault(reply, err)) < 0)
        return r;
    return reply->text ? reply_template_check(arena, reply->text, path_template, err) : 0;
}

/* ---- copying ----------------------------------------------------------------------------- */

static int read_file(struct arena *arena, const char *folder, seam_http_reply *reply,
                     struct err *err)
{
    const char *path =
        reply->file[0] == '/' ? reply->file : arena_printf(arena, "%s/%s", folder, reply->file);
    struct buf content = BUF_INIT(CODING_MAX);
    int r = io_read_file(path, &content);

    if (r == 0) {
        reply->body = arena_copy(arena, buf_text(&content), content.size);
        reply->size = content.size;
        reply->file = arena_dup(arena, path);
    }
    buf_fini(&content);
    return r < 0 ? err_system(err, r, "cannot read file '%s'", path) : 0;
}

static int copy_json(struct arena *arena, seam_http_reply *reply, struct err *err)
{
    const struct json_node *node;
    size_t size = strlen(reply->json);
    int r = json_node_parse(arena, "json", reply->json, size, true, &node, err);

    if (r < 0)
        return r;
    reply->json = arena_dup(arena, json_text_strict(arena, reply->json, size));
    reply->size = strlen(reply->json);
    return 0;
}

static int copy_body(struct arena *arena, const char *folder, seam_http_reply *reply,
                     struct err *err)
{
    if (reply->json)
        return copy_json(arena, reply, err);
    if (reply->file)
        return read_file(arena, folder, reply, err);
    if (reply->body) {
        reply->size = reply->size ? reply->size : strlen(reply->body);
        reply->body = arena_copy(arena, reply->body, reply->size);
    }
    reply->text = arena_dup(arena, reply->text);
    return 0;
}

int reply_prepare(struct arena *arena, const seam_http_reply *reply, const char *folder,
                  const struct path_template *path_template, seam_http_reply *ret,
                  struct err *err)
{
    seam_http_reply copy = *reply;
    int r = check(arena, reply, path_template, err);

    if (r == 0)
        r = copy_body(arena, folder, &copy, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < SEAM_HTTP_MAX && copy.header[i]; i++)
        copy.header[i] = arena_dup(arena, copy.header[i]);
    copy.trailer = arena_dup(arena, copy.trailer);
    copy.inform = arena_dup(arena, copy.inform);
    *ret = copy;
    return 0;
}

/* ---- making a message -------------------------------------------------------------------- */

static bool has_field(const struct http_field *fields, size_t count, const char *name)
{
    const struct http_fields all = { fields, count };

    return http_value(&all, name) != NULL;
}

static void make_fields(const seam_http_reply *reply, struct arena *arena,
                        struct http_message *to)
{
    struct http_field *fields = arena_zero(arena, (SEAM_HTTP_MAX + 2) * sizeof *fields);
    size_t count = 0;

    for (size_t i = 0; i < SEAM_HTTP_MAX && reply->header[i]; i++)
        count += reply_field(arena, reply->header[i], &fields[count]);
    if (reply->json && !has_field(fields, count, "Content-Type"))
        fields[count++] = (struct http_field){ "Content-Type", "application/json" };
    if (reply->gzip && !has_field(fields, count, "Content-Encoding"))
        fields[count++] = (struct http_field){ "Content-Encoding", "gzip" };
    to->fields = (struct http_fields){ fields, count };
}

static void make_trailers(const seam_http_reply *reply, struct arena *arena,
                          struct http_message *to)
{
    struct http_field *field = arena_zero(arena, sizeof *field);

    if (reply->trailer && reply_field(arena, reply->trailer, field))
        to->trailers = (struct http_fields){ field, 1 };
}

static int fill_text(const seam_http_reply *reply, struct http_call *call,
                     const struct rule *rule, struct http_message *to, struct err *err)
{
    struct buf text = BUF_INIT(CODING_MAX);
    bool has_template = rule && rule->kind == RULE_TEMPLATE;
    int r = reply_template_fill(reply->text, call, has_template ? &rule->path_template : NULL,
                                &text);

    if (r == 0) {
        to->body = arena_copy(call->arena, buf_text(&text), text.size);
        to->body_size = text.size;
    }
    buf_fini(&text);
    return r < 0
               ? err_set(err, r, "the text of a reply gets larger than %d MB", CODING_MAX >> 20)
               : 0;
}

static int make_body(const seam_http_reply *reply, struct http_call *call,
                     const struct rule *rule, struct http_message *to, struct err *err)
{
    char *compressed;
    int r = 0;

    to->body = reply->json ? reply->json : reply->body ? reply->body : "";
    to->body_size = reply->json || reply->body ? reply->size : 0;
    if (reply->text)
        r = fill_text(reply, call, rule, to, err);
    if (r < 0 || !reply->gzip)
        return r;
    r = coding_gzip(call->arena, to->body, to->body_size, &compressed, &to->body_size, err);
    if (r == 0)
        to->body = compressed;
    return r;
}

int rule_reply_message(const seam_http_reply *reply, struct http_call *call,
                       const struct rule *rule, struct http_message *ret, struct err *err)
{
    int status = reply->status ? reply->status : 200;
    struct http_message message = {
        .status = status, .reason = http_reason(status), .minor = 1, .keep_alive = true
    };
    int r = make_body(reply, call, rule, &message, err);

    if (r < 0)
        return r;
    make_fields(reply, call->arena, &message);
    make_trailers(reply, call->arena, &message);
    *ret = message;
    return 0;
}
