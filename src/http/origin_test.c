/* http/origin_test.c - origins that are right and wrong, and targets of every form. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources origin.c ../base/arena.c ../base/err.c ../base/buf.c

#include "http/origin.h"

#include <errno.h>
#include <seam/seam.h>
#include <string.h>

SEAM_TEST(origin_is_taken_apart)
{
    static const struct {
        const char *text, *scheme, *host;
        int port;
    } rows[] = {
        { "https://api.pay.test", "https", "api.pay.test", 443 },
        { "http://api.pay.test", "http", "api.pay.test", 80 },
        { "HTTPS://API.Pay.Test:8443", "https", "api.pay.test", 8443 },
        { "http://10.0.0.7:8080", "http", "10.0.0.7", 8080 },
        { "http://[::1]", "http", "::1", 80 },
        { "https://[2001:DB8:0:0::7]:65535", "https", "2001:db8::7", 65535 },
        { "https://.pay.test", "https", ".pay.test", 443 },
        { "http://my_host-2", "http", "my_host-2", 80 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena = { 0 };
        const char *scheme, *host;
        struct err err;
        int port;

        seam_scope(t, "%s", rows[i].text);
        seam_require_ok(t,
                        http_origin_parse(&arena, rows[i].text, &scheme, &host, &port, &err));
        seam_check_eq(t, scheme, rows[i].scheme);
        seam_check_eq(t, host, rows[i].host);
        seam_check_eq(t, port, rows[i].port);
        arena_fini(&arena);
    }
}

SEAM_TEST(what_is_no_origin_is_refused_with_a_sentence)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        { "api.pay.test", "origin 'api.pay.test' does not begin with http:// or https://\n"
                          "try: 'https://api.example.com'" },
        { "ftp://h", "origin 'ftp://h' does not begin with http:// or https://\n"
                     "try: 'https://api.example.com'" },
        { "https://h:81/v1", "origin 'https://h:81/v1' has a path\ntry: 'https://h:81'" },
        { "https://h/", "origin 'https://h/' has a path\ntry: 'https://h'" },
        { "https://h?a", "origin 'https://h?a' has a query\ntry: 'https://h'" },
        { "https://u:secret@h", "an origin has no user name or password\ntry: 'https://h'" },
        { "https://", "origin 'https://' has no host" },
        { "https://:80", "origin 'https://:80' has no host" },
        { "https://h:", "origin 'https://h:' has no port from 1 to 65535 behind its ':'" },
        { "https://h:0", "origin 'https://h:0' has no port from 1 to 65535 behind its ':'" },
        { "https://h:65536",
          "origin 'https://h:65536' has no port from 1 to 65535 behind its ':'" },
        { "https://h:8o", "origin 'https://h:8o' has no port from 1 to 65535 behind its ':'" },
        { "https://[::1", "origin 'https://[::1' has no IPv6 address between '[' and ']'" },
        { "https://[h]", "origin 'https://[h]' has no IPv6 address between '[' and ']'" },
        { "https://[::x]", "'::x' is no IPv6 address" },
        { "https://[::1]x", "origin 'https://[::1]x' has 'x' behind its host" },
        { "https://a..b", "'a..b' is no host" },
        { "https://.", "'.' is no host" },
        { "https://a b", "'a b' is no host" },
        { "https://*.pay.test", "'*.pay.test' is no host" },
        { "https://b\xc3\xbc"
          "ro.test",
          "host 'b\xc3\xbc"
          "ro.test' has characters beyond ASCII\ntry: the name as it is looked up, xn--..." },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *scheme = "kept", *host = "kept";
        struct arena arena = { 0 };
        struct err err = { "" };
        int port = -7;

        seam_scope(t, "%s", rows[i].text);
        seam_check_eq(t, http_origin_parse(&arena, rows[i].text, &scheme, &host, &port, &err),
                      -EINVAL);
        seam_check_eq(t, err.text, rows[i].words);
        seam_check_eq(t, scheme, "kept");
        seam_check_eq(t, host, "kept");
        seam_check_eq(t, port, -7);
        arena_fini(&arena);
    }
}

SEAM_TEST(host_matches_by_name_or_ending)
{
    seam_check(t, http_host_matches("pay.test", "pay.test"));
    seam_check(t, !http_host_matches("pay.test", "a.pay.test"));
    seam_check(t, http_host_matches(".pay.test", "a.pay.test"));
    seam_check(t, http_host_matches(".pay.test", "a.b.pay.test"));
    seam_check(t, !http_host_matches(".pay.test", "pay.test"));
    seam_check(t, !http_host_matches(".pay.test", ".pay.test"));
    seam_check(t, !http_host_matches(".pay.test", "xpay.test"));
}

SEAM_TEST(target_is_taken_apart)
{
    static const struct {
        const char *target, *path, *query;
    } rows[] = {
        { "/", "/", NULL },
        { "/a%20b?c=d", "/a%20b", "c=d" },
        { "/a?", "/a", "" },
        { "/a?b?c#d", "/a", "b?c#d" },
        { "/a#b?c", "/a", NULL },
        { "http://h:80/a?b", "/a", "b" },
        { "http://h", "/", NULL },
        { "http://h?b", "/", "b" },
        { "/go?to=http://h/x", "/go", "to=http://h/x" },
        { "/http://h/x", "/http://h/x", NULL },
        { "*", "*", NULL },
        { "h:443", "h:443", NULL },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_target split = http_target_split(rows[i].target);

        seam_scope(t, "%s", rows[i].target);
        seam_check_mem(t, split.path, split.path_size, rows[i].path, strlen(rows[i].path));
        if (rows[i].query)
            seam_check_eq(t, split.query, rows[i].query);
        else
            seam_check_null(t, split.query);
    }
}

SEAM_TEST(percent_is_decoded)
{
    static const struct {
        const char *text, *path, *form;
    } rows[] = {
        { "", "", "" },
        { "a%20b+c", "a b+c", "a b c" },
        { "%2f%2F", "//", "//" },
        { "100%", "100%", "100%" },
        { "%4", "%4", "%4" },
        { "%zz%41", "%zzA", "%zzA" },
        { "%00", "%00", "%00" },
        { "%2B", "+", "+" },
        { "%c3%bc", "\xc3\xbc", "\xc3\xbc" },
        { "%2541", "%41", "%41" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena = { 0 };
        size_t size = strlen(rows[i].text);
        size_t got;

        seam_scope(t, "%s", rows[i].text);
        seam_check_eq(t, http_percent_decode(&arena, rows[i].text, size, false, NULL),
                      rows[i].path);
        seam_check_eq(t, http_percent_decode(&arena, rows[i].text, size, true, &got),
                      rows[i].form);
        seam_check_eq(t, got, strlen(rows[i].form));
        arena_fini(&arena);
    }
}
