/* service/modules/placeholder_test.c - {port:name} and {dir} are found and replaced, other braces are not. */

#include "service/modules/placeholder.h"

#include <seam/seam.h>

#include <errno.h>
#include <string.h>

SEAM_TEST(placeholder_replaces_what_is_one)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "", "" },
        { "--port={port}", "--port=1000" },
        { "{port}{port:http}{port}", "100010011000" },
        { "{dir}/a {dir", "/d/a {dir" },
        { "{\"a\": {\"port\": 1}}", "{\"a\": {\"port\": 1}}" },
        { "{port:}{port:a b}{port:http", "{port:}{port:a b}{port:http" },
        { "{{port}}", "{1000}" },
        { "{port:new}", "{port:new}" },
        { "${port}", "$1000" },
    };
    struct placeholder_ports ports = { .count = 2,
                                       .names = { "", "http" },
                                       .numbers = { 1000, 1001 } };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf got = BUF_INIT(1000);

        placeholder_replace(cases[i].text, strlen(cases[i].text), &ports, "/d", &got);
        seam_check_str(t, buf_text(&got), cases[i].want);
        buf_fini(&got);
    }
}

SEAM_TEST(placeholder_collects_each_name_once_in_order)
{
    static const char text[] = "{port:b} {port} {dir} {port:a} {port:b} {port}";
    struct placeholder_ports ports = { .count = 0 };

    seam_check_ok(t, placeholder_collect(text, strlen(text), &ports, NULL));
    seam_check_ok(t, placeholder_collect("{port:a}{port:c}", 16, &ports, NULL));
    seam_require_eq(t, ports.count, 4);
    seam_check_str(t, ports.names[0], "b");
    seam_check_str(t, ports.names[1], "");
    seam_check_str(t, ports.names[2], "a");
    seam_check_str(t, ports.names[3], "c");
}

SEAM_TEST(placeholder_refuses_too_many)
{
    struct placeholder_ports ports = { .count = 0 };
    struct err err = { "" };

    for (int i = 0; i < PLACEHOLDER_PORTS; i++) {
        const char *text = seam_format(t, "{port:p%d}", i);

        seam_check_ok(t, placeholder_collect(text, strlen(text), &ports, &err));
    }
    seam_check_eq(t, placeholder_collect("{port}", 6, &ports, &err), -EINVAL);
    seam_check_str(t, err.text, "more than 16 names in {port:name}");
}
