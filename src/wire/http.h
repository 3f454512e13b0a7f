/*
 * wire/http.h - an HTTP message, however it is carried (RFC 9110).
 *
 * Ownership: a message borrows all its strings; whoever made it says until when.
 * Names of fields compare without regard to case, values byte by byte.
 */
#ifndef WIRE_HTTP_H
#define WIRE_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct http_field {
    const char *name;
    const char *value; /* without the blanks around it */
};

struct http_fields {
    const struct http_field *at; /* in the order in which they came */
    size_t count;
};

struct http_message {
    const char *method; /* of a request; NULL in a response */
    const char *target; /* of a request, as sent: "/a?b=c", "http://h/a", "h:443" or "*" */
    int status; /* of a response; 0 in a request */
    const char *reason; /* of a response; may be empty */
    int minor; /* the version: HTTP/1.<minor> */
    struct http_fields fields;
    struct http_fields trailers; /* behind a chunked body */
    const char *body; /* without its coding; a NUL stands behind it */
    size_t body_size;
    bool keep_alive; /* the sender is ready for another message on this connection */
};

/* The value of the first field of that name; NULL when there is none. */
const char *http_value(const struct http_fields *fields, const char *name);

/* Whether a list such as "Connection: keep-alive, Upgrade" has the member, over all fields of that name. */
bool http_has_member(const struct http_fields *fields, const char *name, const char *member);

/* Whether the characters may stand in a method or a field's name (RFC 9110, 5.6.2). */
bool http_is_token(const char *text, size_t size);

/* Whether the value has no line break in it, and the name is a token: what may be sent. */
bool http_is_field(const struct http_field *field);

/* Whether it is one of the four forms of a request's target (RFC 9112, 3.2) and goes with the method. */
bool http_is_target(const char *method, const char *target);

/* Whether it may be the value of Host: a name or address and perhaps a port, or nothing. */
bool http_is_host(const char *host);

/* Whether a response with this status to this method has a body at all (RFC 9112, 6.3). */
bool http_has_body(const char *method, int status);

/* The usual words for a status, such as "Not Found"; "" for one that has none. */
const char *http_reason(int status);

/* A status, of three digits, as text; returns `to`. */
enum { HTTP_STATUS_TEXT = 4 };
const char *http_status_text(char to[HTTP_STATUS_TEXT], int status);

#endif
