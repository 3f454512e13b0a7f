/* fake/message_match.c - whether a message is as a test wants it; see message_match.h. */

#include "fake/message_match.h"

#include <errno.h>
#include <string.h>

#include "fake/message_key.h"
#include "fake/message_rows.h"
#include "test/quote.h"

enum { HEADERS_MAX = sizeof((seam_message_match *)0)->headers / sizeof(seam_message_header) };

const char *seam_message_header_value(const seam_message *message, const char *name)
{
    for (size_t i = 0; i < message->header_count; i++)
        if (strcmp(message->headers[i].name, name) == 0)
            return message->headers[i].value;
    return NULL;
}

/* ---- making ------------------------------------------------------------------------------ */

static void copy(struct arena *arena, const seam_message_match *from, seam_message_match *to)
{
    const char **const texts[] = { &to->exchange,  &to->routing_key, &to->key_pattern,
                                   &to->text,      &to->contains,    &to->pattern,
                                   &to->json,      &to->json_equal,  &to->content_type,
                                   &to->message_id };

    *to = *from;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = arena_dup(arena, *texts[i]);
    for (size_t i = 0; i < HEADERS_MAX; i++) {
        to->headers[i].name = arena_dup(arena, to->headers[i].name);
        to->headers[i].value = arena_dup(arena, to->headers[i].value);
    }
}

static int take_json(struct arena *arena, struct message_match *match, struct err *err)
{
    const seam_message_match *want = &match->want;
    const char *text = want->json ? want->json : want->json_equal;

    if (want->json && want->json_equal)
        return err_set(err, -EINVAL, ".json and .json_equal exclude each other");
    if (!text)
        return 0;
    match->json.mode = want->json ? JSON_MODE_SUBSET : JSON_MODE_EQUAL;
    return json_node_parse(arena, want->json ? ".json" : ".json_equal", text, strlen(text),
                           true, &match->json.root, err);
}

int message_match_new(struct arena *arena, const seam_message_match *want,
                      struct message_match **ret, struct err *err)
{
    struct message_match *match = arena_zero(arena, sizeof *match);
    int r;

    copy(arena, want, &match->want);
    if (want->routing_key && want->key_pattern)
        return err_set(err, -EINVAL, ".routing_key and .key_pattern exclude each other");
    for (size_t i = 0; i < HEADERS_MAX; i++)
        if (want->headers[i].value && !want->headers[i].name)
            return err_set(err, -EINVAL, "header %zu has a value and no name", i);
    r = take_json(arena, match, err);
    if (r == 0 && want->pattern)
        r = match_pattern_new(&match->pattern, want->pattern, false, err);
    *ret = r == 0 ? match : NULL;
    return r;
}

void message_match_fini(struct message_match *match)
{
    if (match)
        match_pattern_free(match->pattern);
}

/* ---- asking ------------------------------------------------------------------------------ */

static bool is_same(const char *want, const char *got)
{
    return got && strcmp(want, got) == 0;
}

static bool holds_body(const struct message_match *match, const seam_message *message)
{
    const char *contains = match->want.contains;

    return (!match->want.text ||
            (strlen(match->want.text) == message->size &&
             memcmp(match->want.text, message->body, message->size) == 0)) &&
           (!contains || memmem(message->body, message->size, contains, strlen(contains))) &&
           (!match->pattern ||
            match_pattern_found(match->pattern, message->body, message->size, NULL));
}

static bool holds_json(const struct message_match *match, const seam_message *message,
                       struct arena *arena)
{
    const struct json_node *got;

    return !match->json.root || (json_node_parse(arena, "body", message->body, message->size,
                                                 false, &got, NULL) == 0 &&
                                 json_want_holds(&match->json, got));
}

static bool holds_headers(const struct message_match *match, const seam_message *message)
{
    for (size_t i = 0; i < HEADERS_MAX && match->want.headers[i].name; i++) {
        const seam_message_header *want = &match->want.headers[i];
        const char *got = seam_message_header_value(message, want->name);

        if (!got || (want->value && strcmp(got, want->value) != 0))
            return false;
    }
    return true;
}

bool message_match_holds(const struct message_match *match, const seam_message *message,
                         struct arena *arena)
{
    const seam_message_match *want = &match->want;

    return (!want->exchange || is_same(want->exchange, message->exchange)) &&
           (!want->routing_key || is_same(want->routing_key, message->routing_key)) &&
           (!want->key_pattern ||
            message_key_matches(want->key_pattern, message->routing_key)) &&
           (!want->content_type || is_same(want->content_type, message->content_type)) &&
           (!want->message_id || is_same(want->message_id, message->message_id)) &&
           holds_headers(match, message) && holds_body(match, message) &&
           holds_json(match, message, arena) && (!want->fn || want->fn(message, want->arg));
}

const char *message_name(const seam_message *message, struct arena *arena)
{
    struct buf name = BUF_INIT(4096);
    const char *text;

    quote_add_head(&name, message->routing_key, strlen(message->routing_key), 80, '\'');
    buf_add_text(&name, " to ");
    quote_add_head(&name, message->exchange, strlen(message->exchange), 80, '\'');
    text = arena_dup(arena, buf_text(&name));
    buf_fini(&name);
    return text;
}
