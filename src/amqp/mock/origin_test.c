/* amqp/mock/origin_test.c - addresses of AMQP doubles that are right and wrong, and how they are said. */
//seam:cflags -I../.. -I../../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources ../origin.c ../../double/address.c ../../test/mask.c

#include "amqp/origin.h"

#include <errno.h>
#include <seam/seam.h>

SEAM_TEST(amqp_origin_is_taken_apart_and_said)
{
    static const struct {
        const char *text, *url;
    } rows[] = {
        { "amqp://mq.prod", "amqp://mq.prod:5672/%2f" },
        { "amqps://MQ.Prod/shop", "amqps://mq.prod:5671/shop" },
        { "amqp://ada:s%20x@mq:6000/", "amqp://ada:s%20x@mq:6000/" },
        { "amqp://[::1]:7/a", "amqp://[::1]:7/a" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena = { 0 };
        struct amqp_origin origin;
        struct err err;

        seam_scope(t, "%s", rows[i].text);
        seam_require_ok(t, amqp_origin_parse(&arena, rows[i].text, &origin, &err));
        seam_check_eq(t, amqp_origin_url(&arena, &origin), rows[i].url);
        arena_fini(&arena);
    }
}

SEAM_TEST(amqp_origin_that_is_none_is_refused_with_a_sentence)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        { "mq.prod", "origin 'mq.prod' does not begin with amqp:// or amqps://\n"
                     "try: 'amqp://mq.example.com:5672'" },
        { "amqp:///shop", "origin 'amqp:///shop' has no host" },
        { "amqp://ada:s3cret@", "origin 'amqp://***@' has no host" },
        { "amqp://a,b", "'a,b' is no host" },
        { "amqp://mq:0", "origin 'amqp://mq:0' has no port from 1 to 65535 behind its ':'" },
        { "amqp://[::1", "origin 'amqp://[::1' has no ']' behind its address" },
        { "amqp://[::1]x", "origin 'amqp://[::1]x' has 'x' behind its host" },
        { "amqp://mq/a/b",
          "origin 'amqp://mq/a/b' has more than a virtual host behind its host\n"
          "try: '%2F' for a slash in its name" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena = { 0 };
        struct amqp_origin origin;
        struct err err;

        seam_scope(t, "%s", rows[i].text);
        seam_check_eq(t, amqp_origin_parse(&arena, rows[i].text, &origin, &err), -EINVAL);
        seam_check_eq(t, err.text, rows[i].words);
        arena_fini(&arena);
    }
}
