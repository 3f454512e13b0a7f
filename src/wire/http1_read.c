/* wire/http1_read.c - HTTP/1.1 messages out of bytes; see http1.h. Sections are those of RFC 9112. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hostile.h"
#include "wire/http1.h"

const struct http1_limits http1_usual_limits = {
    .line = 16 << 10, .head = 64 << 10, .fields = 200, .body = 64 << 20
};

enum {
    QUOTE = 60, /* bytes of the peer's words in an error */
    CHUNK_LINE = 4096, /* a chunk's size and its extensions */
    FED = 1 << 20, /* what may be fed ahead of a message */
};

enum state {
    START, /* the first line */
    FIELDS,
    BODY, /* of a known length */
    CHUNK_SIZE,
    CHUNK,
    CHUNK_END,
    TRAILERS,
    UNTIL_END,
    DONE, /* given out; the next call begins a new message */
    WRONG
};

/* What a step of the reader comes to. */
enum outcome { GO_ON, WANT_MORE, WHOLE, TELL_CONTINUE, FAILED, PREFACE };

struct line {
    char *
        data; /* without its line end, with a NUL there; among what was fed, so until the next feed */
    size_t size;
};

/* ---- errors */

static enum outcome wrong(struct http1_reader *reader, int status, const char *format, ...)
    SEAM_PRINTF(3, 4);
static enum outcome wrong(struct http1_reader *reader, int status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(reader->error.text, sizeof reader->error.text, format, args);
    va_end(args);
    reader->error.status = status;
    reader->state = WRONG;
    return FAILED;
}

/* The peer's words, shortened, and printable whatever they are. */
static const char *quote(struct http1_reader *reader, const char *data, size_t size)
{
    char *words = arena_copy(&reader->arena, data, size < QUOTE ? size : QUOTE);

    for (char *at = words; at < words + (size < QUOTE ? size : QUOTE); at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
    return words;
}

/* ---- lines */

static const char *rest(const struct http1_reader *reader)
{
    return buf_text(&reader->in) + reader->at;
}

static size_t rest_size(const struct http1_reader *reader)
{
    return reader->in.size - reader->at;
}

/* Take the next line; CR LF ends it, and LF alone where `lenient` (2.2 allows that, clients rely on it). */
static enum outcome take_line(struct http1_reader *reader, size_t limit, bool lenient,
                              int too_long, struct line *ret)
{
    const char *begin = rest(reader);
    const char *end = memchr(begin + reader->seen, '\n', rest_size(reader) - reader->seen);
    size_t size = end ? (size_t)(end - begin) : rest_size(reader);

    if (size > limit)
        return wrong(reader, too_long, "a line is longer than %zu bytes: '%s...'", limit,
                     quote(reader, begin, size));
    reader->seen = end ? 0 : size;
    if (!end)
        return WANT_MORE;
    reader->at += size + 1;
    if (size > 0 && begin[size - 1] == '\r')
        size--;
    else if (!lenient)
        return wrong(reader, 400, "a line of a chunked body ends without CR: '%s'",
                     quote(reader, begin, size));
    if (memchr(begin, '\r', size) || memchr(begin, '\0', size))
        return wrong(reader, 400, "a line has a %s in it: '%s'",
                     memchr(begin, '\r', size) ? "carriage return" : "NUL",
                     quote(reader, begin, size));
    *ret = (struct line){ reader->in.data + (begin - buf_text(&reader->in)), size };
    ret->data[size] = '\0';
    return GO_ON;
}

/* The line, to stay as long as the message. */
static struct line keep(struct http1_reader *reader, struct line line)
{
    return (struct line){ arena_copy(&reader->arena, line.data, line.size), line.size };
}

/* ---- the first line (3 and 4) */

static enum outcome take_version(struct http1_reader *reader, const char *version)
{
    if (strncmp(version, "HTTP/", 5) != 0 || version[5] < '0' || version[5] > '9' ||
        version[6] != '.' || version[7] < '0' || version[7] > '9' || version[8] != '\0')
        return wrong(reader, 400, "the version is '%s', not HTTP/1.1",
                     quote(reader, version, strlen(version)));
    if (version[5] != '1')
        return wrong(reader, 505, "the version is %s, not HTTP/1.1", version);
    reader->message.minor = version[7] == '0' ? 0 : 1;
    return GO_ON;
}

static enum outcome take_request_line(struct http1_reader *reader, struct line line)
{
    const char *method = line.data;
    char *target = strchr(line.data, ' ');
    char *version = target ? strchr(target + 1, ' ') : NULL;

    if (!version || strchr(version + 1, ' '))
        return wrong(reader, 400, "the request line is not 'method target version': '%s'",
                     quote(reader, line.data, line.size));
    *target++ = *version++ = '\0';
    if (!http_is_token(method, strlen(method)))
        return wrong(reader, 400, "the method is '%s'", quote(reader, method, strlen(method)));
    if (!http_is_target(method, target))
        return wrong(reader, 400, "the target of %s is '%s'",
                     quote(reader, method, strlen(method)),
                     quote(reader, target, strlen(target)));
    reader->message.method = method;
    reader->message.target = target;
    return take_version(reader, version);
}

static enum outcome take_status_line(struct http1_reader *reader, struct line line)
{
    char *status = strchr(line.data, ' ');
    const char *digits = status ? status + 1 : "";

    if (strspn(digits, "0123456789") != 3 || digits[0] == '0' ||
        (digits[3] != ' ' && digits[3] != '\0'))
        return wrong(reader, 400, "the status line is not 'version status reason': '%s'",
                     quote(reader, line.data, line.size));
    *status = '\0';
    reader->message.status = atoi(digits);
    reader->message.reason = digits[3] ? digits + 4 : "";
    return take_version(reader, line.data);
}

static enum outcome take_first_line(struct http1_reader *reader)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n";
    struct line line;
    enum outcome outcome;

    if (reader->kind == HTTP1_REQUESTS && reader->head_size == 0 &&
        rest_size(reader) >= sizeof preface - 1 &&
        memcmp(rest(reader), preface, sizeof preface - 1) == 0)
        return PREFACE;
    outcome = take_line(reader, reader->limits.line, true, 414, &line);
    if (outcome != GO_ON)
        return outcome;
    reader->head_size += line.size + 2;
    if (line.size == 0) /* some clients put one behind a body (2.2) */
        return reader->head_size > reader->limits.head
                   ? wrong(reader, 400, "nothing but empty lines")
                   : GO_ON;
    reader->state = FIELDS;
    return reader->kind == HTTP1_REQUESTS ? take_request_line(reader, keep(reader, line))
                                          : take_status_line(reader, keep(reader, line));
}

/* ---- fields (5) */

static bool is_value(const char *value)
{
    for (; *value; value++)
        if (((unsigned char)*value < ' ' && *value != '\t') || *value == 0x7f)
            return false;
    return true;
}

static enum outcome take_field(struct http1_reader *reader, struct line line,
                               struct buf *fields)
{
    char *colon = strchr(line.data, ':');
    char *value = colon ? colon + 1 + strspn(colon + 1, " \t") : NULL;
    struct http_field field = { line.data, value };
    char *end = line.data + line.size;

    if (line.data[0] == ' ' || line.data[0] == '\t')
        return wrong(reader, 400, "a field is folded over two lines: '%s'",
                     quote(reader, line.data, line.size));
    if (!colon || !http_is_token(line.data, (size_t)(colon - line.data)) || !is_value(value))
        return wrong(reader, 400, "a field is not 'name: value': '%s'",
                     quote(reader, line.data, line.size));
    *colon = '\0';
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = '\0';
    if (fields->size / sizeof field >= reader->limits.fields ||
        buf_add(fields, &field, sizeof field) < 0)
        return wrong(reader, 431, "there are more than %zu fields", reader->limits.fields);
    return GO_ON;
}

static struct http_fields fields_of(const struct buf *fields)
{
    return (struct http_fields){ (const struct http_field *)(const void *)fields->data,
                                 fields->size / sizeof(struct http_field) };
}

static const char *value_of(const struct http1_reader *reader, const char *name)
{
    return http_value(&reader->message.fields, name);
}

/* ---- how long the body is (6.3) */

/* All Content-Length fields, and all members of a list, must say the same. */
static enum outcome take_length(struct http1_reader *reader, uint64_t *ret)
{
    const struct http_fields *fields = &reader->message.fields;
    const char *first = NULL;

    for (size_t i = 0; i < fields->count; i++) {
        const char *at = fields->at[i].value;
        bool more = strcasecmp(fields->at[i].name, "Content-Length") == 0;

        while (more) {
            size_t digits = strspn(at, "0123456789");
            const char *end = at + digits + strspn(at + digits, " \t");
            uint64_t length = strtoull(at, NULL, 10); /* or the greatest number */

            if (digits == 0 || (*end && *end != ',') || (first && length != *ret))
                return wrong(reader, 400, "the Content-Length is '%s'%s",
                             quote(reader, fields->at[i].value, strlen(fields->at[i].value)),
                             first ? " and was another before" : "");
            first = at;
            *ret = length;
            more = *end == ',';
            at = end + more;
            at += strspn(at, " \t");
        }
    }
    if (*ret > reader->limits.body)
        return wrong(reader, 413, "the body is to have %s bytes, more than %zu",
                     quote(reader, first, strspn(first, "0123456789")), reader->limits.body);
    return GO_ON;
}

/* The values of all Transfer-Encoding fields as one list; NULL when there is none. */
static const char *join_codings(struct http1_reader *reader)
{
    const struct http_fields *fields = &reader->message.fields;
    const char *joined = NULL;

    for (size_t i = 0; i < fields->count; i++)
        if (strcasecmp(fields->at[i].name, "Transfer-Encoding") == 0)
            joined = joined
                         ? arena_printf(&reader->arena, "%s, %s", joined, fields->at[i].value)
                         : fields->at[i].value;
    return joined;
}

/* Members that are not empty, and those that are "chunked"; *ret_ends: the last of them is. */
static size_t count_codings(const char *list, size_t *ret_chunked, bool *ret_ends)
{
    size_t count = 0;

    *ret_chunked = 0;
    *ret_ends = false;
    for (list += strspn(list, ", \t"); *list; list += strspn(list, ", \t")) {
        size_t size = strcspn(list, ",");
        size_t word = size;

        while (list[word - 1] == ' ' || list[word - 1] == '\t')
            word--;
        *ret_ends = word == 7 && strncasecmp(list, "chunked", 7) == 0;
        *ret_chunked += *ret_ends;
        count++;
        list += size;
    }
    return count;
}

/* Chunked comes once, and last (6.1); other codings are none of ours. */
static enum outcome check_coding(struct http1_reader *reader, const char *codings)
{
    bool request = reader->kind == HTTP1_REQUESTS;
    size_t chunked;
    bool ends;
    size_t count = count_codings(codings, &chunked, &ends);

    if (value_of(reader, "Content-Length"))
        return wrong(reader, 400, "both Content-Length and Transfer-Encoding are given");
    if (reader->message.minor == 0)
        return wrong(reader, 400, "Transfer-Encoding in HTTP/1.0");
    if (!ends || chunked > 1)
        return wrong(reader, 400, "the Transfer-Encoding '%s' %s",
                     quote(reader, codings, strlen(codings)),
                     ends ? "has chunked twice" : "does not end in chunked");
    if (count > 1)
        return wrong(reader, request ? 501 : 400, "the Transfer-Encoding '%s' is not supported",
                     quote(reader, codings, strlen(codings)));
    return GO_ON;
}

static enum outcome choose_body(struct http1_reader *reader)
{
    const char *codings = join_codings(reader);
    bool response = reader->kind == HTTP1_RESPONSES;
    uint64_t length = 0;
    enum outcome outcome;

    if (response && !http_has_body(reader->method, reader->message.status))
        return WHOLE;
    if (codings) {
        outcome = check_coding(reader, codings);
        if (outcome == GO_ON)
            reader->state = CHUNK_SIZE;
        return outcome;
    }
    if (response && !value_of(reader, "Content-Length")) {
        reader->message.keep_alive = false;
        reader->state = UNTIL_END;
        return GO_ON;
    }
    outcome = take_length(reader, &length);
    reader->left = length;
    if (outcome != GO_ON)
        return outcome;
    reader->state = BODY;
    return length == 0 ? WHOLE : GO_ON;
}

/* ---- the end of the head */

/* Exactly one Host in HTTP/1.1 (3.2). */
static enum outcome check_host(struct http1_reader *reader)
{
    const struct http_fields *fields = &reader->message.fields;
    const char *host = NULL;

    for (size_t i = 0; i < fields->count; i++) {
        if (strcasecmp(fields->at[i].name, "Host") != 0)
            continue;
        if (host)
            return wrong(reader, 400, "there are two Host fields");
        host = fields->at[i].value;
        if (!http_is_host(host))
            return wrong(reader, 400, "the Host is '%s'", quote(reader, host, strlen(host)));
    }
    if (!host && reader->message.minor > 0)
        return wrong(reader, 400, "there is no Host field");
    return GO_ON;
}

static bool keeps_alive(const struct http1_reader *reader)
{
    const struct http_fields *fields = &reader->message.fields;

    if (http_has_member(fields, "Connection", "close"))
        return false;
    return reader->message.minor > 0 || http_has_member(fields, "Connection", "keep-alive");
}

/* "Expect: 100-continue" is all that may be expected (RFC 9110, 10.1.1). */
static enum outcome check_expectation(struct http1_reader *reader)
{
    const char *expected = value_of(reader, "Expect");

    if (expected && reader->message.minor > 0 && strcasecmp(expected, "100-continue") != 0)
        return wrong(reader, 417, "it expects '%s'", quote(reader, expected, strlen(expected)));
    return GO_ON;
}

/* The body comes when we have said so, or without that. */
static enum outcome tell_continue(struct http1_reader *reader)
{
    if (reader->kind != HTTP1_REQUESTS || reader->message.minor == 0 ||
        !value_of(reader, "Expect") || reader->continue_told || rest_size(reader) > 0)
        return GO_ON;
    reader->continue_told = true;
    return TELL_CONTINUE;
}

static enum outcome end_head(struct http1_reader *reader)
{
    enum outcome outcome = GO_ON;

    reader->message.fields = fields_of(&reader->fields);
    reader->message.keep_alive = keeps_alive(reader);
    if (reader->kind == HTTP1_REQUESTS)
        outcome = check_host(reader);
    if (outcome == GO_ON && reader->kind == HTTP1_REQUESTS)
        outcome = check_expectation(reader);
    if (outcome == GO_ON)
        outcome = choose_body(reader);
    return outcome == GO_ON ? tell_continue(reader) : outcome;
}

/* One line of the head or of the trailers; an empty one ends them. */
static enum outcome take_fields(struct http1_reader *reader, struct buf *fields, bool *ret_end)
{
    struct line line;
    enum outcome outcome = take_line(reader, reader->limits.head, true, 431, &line);

    *ret_end = false;
    if (outcome != GO_ON)
        return outcome;
    reader->head_size += line.size + 2;
    if (reader->head_size > reader->limits.head)
        return wrong(reader, 431, "the fields have more than %zu bytes", reader->limits.head);
    *ret_end = line.size == 0;
    return *ret_end ? GO_ON : take_field(reader, keep(reader, line), fields);
}

static enum outcome take_head(struct http1_reader *reader)
{
    bool end;
    enum outcome outcome = take_fields(reader, &reader->fields, &end);

    return end ? end_head(reader) : outcome;
}

/* ---- the body (6 and 7.1) */

/* Move what is there of `left` bytes to the body. */
static enum outcome take_bytes(struct http1_reader *reader)
{
    size_t there = rest_size(reader);
    size_t size = reader->left < there ? (size_t)reader->left : there;

    if (size > 0 && buf_add(&reader->body, rest(reader), size) < 0)
        return wrong(reader, 413, "the body has more than %zu bytes", reader->limits.body);
    reader->at += size;
    reader->left -= size;
    return reader->left == 0 ? GO_ON : WANT_MORE;
}

static enum outcome take_body(struct http1_reader *reader)
{
    enum outcome outcome = take_bytes(reader);

    return outcome == GO_ON ? WHOLE : outcome;
}

static enum outcome take_chunk_size(struct http1_reader *reader)
{
    struct line line;
    enum outcome outcome = take_line(reader, CHUNK_LINE, false, 400, &line);
    size_t digits, end;

    if (outcome != GO_ON)
        return outcome;
    digits = strspn(line.data, "0123456789abcdefABCDEF");
    end = digits + strspn(line.data + digits, " \t");
    if (digits == 0 || digits > 15 || (line.data[end] && line.data[end] != ';'))
        return wrong(reader, 400, "the size of a chunk is '%s'",
                     quote(reader, line.data, line.size));
    reader->left = strtoull(line.data, NULL, 16);
    if (reader->left > reader->limits.body - reader->body.size)
        return wrong(reader, 413, "the body has more than %zu bytes", reader->limits.body);
    reader->head_size = 0;
    reader->state = reader->left > 0 ? CHUNK : TRAILERS;
    return GO_ON;
}

static enum outcome take_chunk(struct http1_reader *reader)
{
    enum outcome outcome = take_bytes(reader);

    if (outcome == GO_ON)
        reader->state = CHUNK_END;
    return outcome;
}

static enum outcome take_chunk_end(struct http1_reader *reader)
{
    struct line line;
    enum outcome outcome;

    if (rest_size(reader) > 0 && *rest(reader) != '\r')
        return wrong(reader, 400, "a chunk is longer than its size says: '%s'",
                     quote(reader, rest(reader), rest_size(reader)));
    outcome = take_line(reader, 1, false, 400, &line);
    if (outcome == GO_ON)
        reader->state = CHUNK_SIZE;
    return outcome;
}

static enum outcome take_trailers(struct http1_reader *reader)
{
    bool end;
    enum outcome outcome = take_fields(reader, &reader->trailers, &end);

    return end ? WHOLE : outcome;
}

static enum outcome take_until_end(struct http1_reader *reader)
{
    reader->left = UINT64_MAX;
    if (take_bytes(reader) == FAILED)
        return FAILED;
    return reader->ended ? WHOLE : WANT_MORE;
}

/* ---- messages */

static void begin(struct http1_reader *reader)
{
    arena_fini(&reader->arena);
    buf_clear(&reader->fields);
    buf_clear(&reader->trailers);
    buf_clear(&reader->body);
    reader->message = (struct http_message){ 0 };
    reader->head_size = reader->seen = 0;
    reader->continue_told = false;
    reader->state = START;
}

static enum outcome take(struct http1_reader *reader)
{
    switch ((enum state)reader->state) {
    case START:
        return take_first_line(reader);
    case FIELDS:
        return take_head(reader);
    case BODY:
        return take_body(reader);
    case CHUNK_SIZE:
        return take_chunk_size(reader);
    case CHUNK:
        return take_chunk(reader);
    case CHUNK_END:
        return take_chunk_end(reader);
    case TRAILERS:
        return take_trailers(reader);
    case UNTIL_END:
        return take_until_end(reader);
    case DONE:
    case WRONG:
        break;
    }
    return FAILED;
}

static void give(struct http1_reader *reader, struct http_message *ret)
{
    reader->message.trailers = fields_of(&reader->trailers);
    reader->message.body = buf_text(&reader->body);
    reader->message.body_size = reader->body.size;
    *ret = reader->message;
}

/* What had begun when the peer ended. */
static enum http1_step end_early(struct http1_reader *reader)
{
    if (reader->state == START && rest_size(reader) == 0)
        return HTTP1_MORE;
    wrong(reader, 400, "the connection ended within %s",
          reader->state == START || reader->state == FIELDS ? "the head" : "the body");
    return HTTP1_WRONG;
}

enum http1_step http1_next(struct http1_reader *reader, struct http_message *ret)
{
    enum outcome outcome = GO_ON;

    if (reader->state == DONE)
        begin(reader);
    while (outcome == GO_ON && reader->state != WRONG)
        outcome = take(reader);
    switch (reader->state == WRONG ? FAILED : outcome) {
    case WHOLE:
        reader->state = DONE;
        if (reader->message.status >= 200)
            reader->method = NULL;
        give(reader, ret);
        return HTTP1_MESSAGE;
    case TELL_CONTINUE:
        give(reader, ret);
        return HTTP1_CONTINUE;
    case PREFACE:
        return HTTP1_PREFACE;
    case FAILED:
        return HTTP1_WRONG;
    default:
        return reader->ended ? end_early(reader) : HTTP1_MORE;
    }
}

/* ---- life */

void http1_reader_init(struct http1_reader *reader, enum http1_kind kind,
                       const struct http1_limits *limits)
{
    const size_t fields = limits->fields * sizeof(struct http_field);

    *reader = (struct http1_reader){
        .kind = kind,
        .limits = *limits,
        .in = BUF_INIT(limits->head + limits->body + FED),
        .fields = BUF_INIT(fields),
        .trailers = BUF_INIT(fields),
        .body = BUF_INIT(limits->body),
        .state = START,
    };
}

void http1_reader_fini(struct http1_reader *reader)
{
    arena_fini(&reader->arena);
    buf_fini(&reader->in);
    buf_fini(&reader->fields);
    buf_fini(&reader->trailers);
    buf_fini(&reader->body);
}

int http1_feed(struct http1_reader *reader, const void *data, size_t size)
{
    if (reader->at > 0)
        buf_drop(&reader->in, reader->at);
    reader->at = 0;
    return buf_add(&reader->in, data, size);
}

void http1_end(struct http1_reader *reader)
{
    reader->ended = true;
}

void http1_expect_response_to(struct http1_reader *reader, const char *method)
{
    reader->method = method;
}
