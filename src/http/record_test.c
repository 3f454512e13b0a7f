/* http/record_test.c - handlers that are run without a server: what they see, and what comes back. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror

#include <seam/http.h>

#include <string.h>

#include "test/trial_test.h"

static void tell_all(seam_http_exchange *x, void *arg)
{
    const char *name = seam_http_query(x, "name"), *field = seam_http_field(x, "x-color");
    size_t size;
    const char *body = seam_http_body(x, &size);

    seam_http_add_field(x, "X-Peer", seam_http_peer(x));
    seam_http_add_field(x, "X-Target", seam_http_target(x));
    seam_http_printf(
        x, "%s %s of %s, %s; name %s; color %s; type %s; length %s; %zu [%s] %s",
        seam_http_method(x), seam_http_path(x), seam_http_field(x, "host"),
        seam_http_version(x), name ? name : "-", field ? field : "-",
        seam_http_field(x, "content-type") ? seam_http_field(x, "content-type") : "-",
        seam_http_field(x, "content-length") ? seam_http_field(x, "content-length") : "-", size,
        body, (const char *)arg);
}

SEAM_TEST(record_shows_the_handler_a_request)
{
    const seam_http_response *r = seam_http_record(
        t, tell_all, "arg", .url = "/a%20b?name=Ada+L#part", .header = { "X-Color:  blue " });

    seam_check_eq(t, r->status, 200);
    seam_check_str(t, r->error, NULL);
    seam_check_eq(t, r->version, "HTTP/1.1");
    seam_check_eq(
        t, r->body,
        "GET /a b of example.com, HTTP/1.1; name Ada L; color blue; type -; length -; "
        "0 [] arg");
    seam_check_eq(t, r->size, strlen(r->body));
    seam_check_eq(t, seam_http_header(r, "x-peer"), "192.0.2.1:1234");
    seam_check_eq(t, seam_http_header(r, "x-target"), "/a%20b?name=Ada+L");
    seam_check_null(t, seam_http_header(r, "x-other"));
}

SEAM_TEST(record_sends_json_and_names_the_host)
{
    const seam_http_response *r = seam_http_record(
        t, tell_all, "", .url = "http://orders.test:8080?name=x", .json = "{'id': 7}");

    seam_check_eq(
        t, r->body,
        "POST / of orders.test:8080, HTTP/1.1; name x; color -; type application/json; "
        "length 9; 9 [{\"id\": 7}] ");
}

SEAM_TEST(record_sends_bytes)
{
    const seam_http_response *r = seam_http_record(t, tell_all, "", .method = "PUT", .url = "/",
                                                   .body = "a\0b", .size = 3);

    seam_check_contains(t, r->body, "PUT / of example.com");
    seam_check_contains(t, r->body, "length 3; 3 [a");
}

static void in_parts(seam_http_exchange *x, void *arg)
{
    (void)arg;
    seam_http_set_status(x, 202);
    seam_http_inform(x, 103, "Link: </a.css>");
    seam_http_add_field(x, "A", "1");
    seam_http_add_field(x, "A", "2");
    seam_http_printf(x, "one,");
    seam_http_flush(x);
    seam_http_write(x, "two\0", 4);
    seam_http_add_trailer(x, "Sum", "3");
}

SEAM_TEST(record_hands_out_the_whole_answer)
{
    const seam_http_response *r = seam_http_record(t, in_parts, NULL, .url = "/");

    seam_check_eq(t, r->status, 202);
    seam_check_mem(t, r->body, r->size, "one,two\0", 8);
    seam_check_eq(t, r->fields[0].value, "1");
    seam_check_eq(t, r->fields[1].value, "2");
    seam_check_eq(t, r->fields[2].name, "Sum");
    seam_check_null(t, r->fields[3].name);
}

static void nothing(seam_http_exchange *x, void *arg)
{
    (void)x;
    (void)arg;
}

static void close_it(seam_http_exchange *x, void *arg)
{
    (void)arg;
    seam_http_close(x);
}

static void reset_it(seam_http_exchange *x, void *arg)
{
    (void)arg;
    seam_http_respond(x, 200, NULL, "lost");
    seam_http_reset(x);
}

SEAM_TEST(record_of_a_handler_that_says_nothing)
{
    const seam_http_response *r = seam_http_record(t, nothing, NULL, .url = "/");

    seam_check_eq(t, r->status, 200);
    seam_check_eq(t, r->body, "");
    r = seam_http_record(t, close_it, NULL, .url = "/", .may_fail = true);
    seam_check_eq(t, r->status, 0);
    seam_check_eq(t, r->error, "the handler closed the connection without an answer");
    r = seam_http_record(t, reset_it, NULL, .url = "/", .may_fail = true);
    seam_check_eq(t, r->status, 0);
    seam_check_eq(t, r->error, "the handler reset the connection");
}
