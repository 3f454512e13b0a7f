/*
 * http/cassette.h - recorded exchanges of a mock, and answers from them.
 *
 *   file ── one JSON object a line ── struct tape ── found by method, target and body, each used once
 *
 * Ownership: a cassette and its tapes live as long as the (sub)test.
 * Threads: the loop's lock is held, but for opening and closing.
 */
#ifndef HTTP_CASSETTE_H
#define HTTP_CASSETTE_H

#include "json/node.h"
#include "http/mock.h"

/* One exchange. What is redacted in the file is so here. */
struct tape {
    int line; /* in the file, from 1; 0: recorded in this test */
    const char *method;
    const char *target;
    const char *body; /* of the request */
    size_t body_size;
    struct http_message answer; /* status 0: it has not come yet */
    bool used;
};

enum { CASSETTE_REDACTED = SEAM_HTTP_MAX };

/* What is never written. */
struct cassette_redaction {
    const char *headers[CASSETTE_REDACTED + 1]; /* NULL ends each */
    const char *queries[CASSETTE_REDACTED + 1];
    struct json_pointer pointers[CASSETTE_REDACTED];
    size_t pointer_count;
};

struct cassette {
    struct seam_http_mock *mock;
    seam_site site;
    int mode; /* what is done: _RECORD, _REPLAY or _VERIFY */
    const char *file; /* as the test wrote it, for messages */
    const char *path;
    bool all_used;
    struct cassette_redaction redaction;
    struct arena arena; /* of what is recorded, by whichever thread */
    struct tape **tapes;
    size_t count;
    size_t room;
};

/* ---- cassette.c */

void cassette_answer(struct mock_call *call);
void cassette_close(
    struct seam_http_mock *mock); /* lock not held; a mock without one is fine */

struct tape *cassette_add(struct cassette *cassette); /* zeroed */

/* ---- cassette_redact.c */

/* Take "header Authorization", "query key", "json /token". -EINVAL with a sentence. */
int cassette_redaction_parse(struct arena *arena, const char *const *texts,
                             struct cassette_redaction *ret, struct err *err);

const char *cassette_redact_target(const struct cassette_redaction *redaction,
                                   struct arena *arena, const char *target);
struct http_fields cassette_redact_fields(const struct cassette_redaction *redaction,
                                          struct arena *arena,
                                          const struct http_fields *fields);

/* A body that is no JSON, or has nothing to redact, stays as it is. */
const char *cassette_redact_body(const struct cassette_redaction *redaction,
                                 struct arena *arena, const char *body, size_t size,
                                 size_t *ret_size);

/* ---- cassette_file.c */

/* Read the file. -ENOENT when there is none; -EINVAL with file, line and what is wrong. */
int cassette_read(struct cassette *cassette, struct err *err);

/* Write the tapes that have an answer, in one step. */
int cassette_write(const struct cassette *cassette, size_t *ret_count, struct err *err);

/* ---- cassette_compare.c */

/* Whether two JSON texts are equal but for what is redacted, or two bodies byte by byte. */
bool cassette_same_body(const struct cassette *cassette, struct arena *arena,
                        const struct tape *tape, const struct http_message *request);

/* What the request has otherwise than the tape, a line each. */
void cassette_show_difference(const struct cassette *cassette, struct arena *arena,
                              const struct tape *tape, const struct http_message *request,
                              struct buf *to);

/* In what the real answer is none as was recorded: status, fields that matter, shape of JSON; a line each,
 * nothing when it is. */
void cassette_compare(const struct cassette *cassette, struct arena *arena,
                      const struct tape *tape, const struct http_message *now, struct buf *to);

#endif
