/*
 * http/reply_template.c - texts with parts of the request in them; see reply.h.
 *
 *   {method} {path} {path.id} {query.page} {header.Accept} {body} {json./pointer}     "{{" is a brace
 */

#include <errno.h>
#include <string.h>

#include "http/reply.h"

enum place {
    PLACE_METHOD,
    PLACE_PATH,
    PLACE_BODY,
    /* The others have a word behind a dot. */
    PLACE_PATH_VARIABLE,
    PLACE_QUERY,
    PLACE_HEADER,
    PLACE_JSON
};

static const struct {
    const char *word;
    enum place place;
} known[] = {
    { "method", PLACE_METHOD },       { "path", PLACE_PATH },    { "body", PLACE_BODY },
    { "path.", PLACE_PATH_VARIABLE }, { "query.", PLACE_QUERY }, { "header.", PLACE_HEADER },
    { "json.", PLACE_JSON },
};

/* A stretch of a template. */
struct piece {
    const char *text; /* as it is; NULL: a place */
    size_t size;
    enum place place;
    const char *word; /* behind the dot */
    const char *place_text; /* with its braces, for messages */
    size_t place_size;
};

static bool find_place(struct arena *arena, const char *text, size_t size, struct piece *ret)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t word = strlen(known[i].word);
        bool has_more = known[i].place >= PLACE_PATH_VARIABLE;

        if (size < word || memcmp(text, known[i].word, word) != 0 || (size > word) != has_more)
            continue;
        ret->place = known[i].place;
        ret->word = arena_copy(arena, text + word, size - word);
        return true;
    }
    return false;
}

/* The piece at `*at`, which moves on. Returns 1, 0 at the end, -EINVAL for a place that is none. */
static int next_piece(struct arena *arena, const char **at, struct piece *ret)
{
    const char *text = *at;
    const char *end;

    if (!*text)
        return 0;
    if (*text != '{' || text[1] == '{') {
        ret->text = text;
        ret->size = *text == '{' ? 1 : strcspn(text, "{");
        *at = text + ret->size + (*text == '{');
        return 1;
    }
    end = strchr(text, '}');
    *ret = (struct piece){ .place_text = text,
                           .place_size = end ? (size_t)(end - text) + 1 : strlen(text) };
    if (!end || !find_place(arena, text + 1, ret->place_size - 2, ret))
        return -EINVAL;
    *at = end + 1;
    return 1;
}

static bool has_variable(const struct path_template *path_template, const char *name)
{
    for (size_t i = 0; path_template && i < path_template->count; i++)
        if (path_template->at[i].is_variable && strcmp(path_template->at[i].text, name) == 0)
            return true;
    return false;
}

static int check_place(struct arena *arena, const struct piece *piece,
                       const struct path_template *path_template, struct err *err)
{
    struct json_pointer pointer;

    if (piece->place == PLACE_PATH_VARIABLE && !has_variable(path_template, piece->word))
        return err_set(err, -EINVAL, "text has '{path.%s}', but the path_template no {%s}",
                       piece->word, piece->word);
    if (piece->place == PLACE_JSON)
        return json_pointer_parse(arena, piece->word, strlen(piece->word), &pointer, err);
    return 0;
}

int reply_template_check(struct arena *arena, const char *text,
                         const struct path_template *path_template, struct err *err)
{
    struct piece piece;
    int r;

    while ((r = next_piece(arena, &text, &piece)) > 0) {
        if (!piece.text && (r = check_place(arena, &piece, path_template, err)) < 0)
            return r;
    }
    if (r < 0)
        return err_set(err, r,
                       "text has '%.*s', which is none of {method}, {path}, {path.id}, "
                       "{query.name}, {header.Name}, {body} and {json./pointer}\n"
                       "try: '{{' for a brace",
                       (int)(piece.place_size < 60 ? piece.place_size : 60), piece.place_text);
    return 0;
}

/* ---- filling in -------------------------------------------------------------------------- */

/* A string as it is, any other value as JSON. */
static void add_json(struct buf *to, struct http_call *call, const char *word)
{
    const struct json_node *root = call_json(call, NULL);
    const struct json_node *node = NULL;
    struct json_pointer pointer;

    if (root && json_pointer_parse(call->arena, word, strlen(word), &pointer, NULL) == 0)
        node = json_pointer_find(&pointer, root);
    if (node && node->kind == NODE_STRING)
        buf_add(to, node->text, node->count);
    else if (node)
        json_node_write(to, node, 0);
}

static void add_query(struct buf *to, struct http_call *call, const char *name)
{
    const struct match_pairs *query = call_query(call);

    for (size_t i = 0; i < query->count; i++)
        if (strcmp(query->at[i].name, name) == 0) {
            buf_add(to, query->at[i].value, query->at[i].size);
            return;
        }
}

static void add_text(struct buf *to, const char *text)
{
    buf_add_text(to, text ? text : "");
}

static void fill_place(struct buf *to, const struct piece *piece, struct http_call *call,
                       const struct path_template *path_template)
{
    struct http_target target = call_target(call);
    const char *body;
    size_t size;

    switch (piece->place) {
    case PLACE_METHOD:
        add_text(to, call->message->method);
        break;
    case PLACE_PATH:
        add_text(to, call_path(call));
        break;
    case PLACE_PATH_VARIABLE:
        if (path_template)
            add_text(to, path_template_value(path_template, call->arena, target.path,
                                             target.path_size, piece->word));
        break;
    case PLACE_QUERY:
        add_query(to, call, piece->word);
        break;
    case PLACE_HEADER:
        add_text(to, http_value(&call->message->fields, piece->word));
        break;
    case PLACE_BODY:
        body = call_body(call, &size);
        buf_add(to, body, size);
        break;
    case PLACE_JSON:
        add_json(to, call, piece->word);
        break;
    }
}

int reply_template_fill(const char *text, struct http_call *call,
                        const struct path_template *path_template, struct buf *to)
{
    struct piece piece;

    while (next_piece(call->arena, &text, &piece) > 0) {
        if (piece.text)
            buf_add(to, piece.text, piece.size);
        else
            fill_place(to, &piece, call, path_template);
    }
    return to->failed ? -ENOBUFS : 0;
}
