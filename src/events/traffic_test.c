/* events/traffic_test.c - the last exchanges of a test, and how they are printed. */

#include "events/traffic.h"

#include <seam/seam.h>

#include <stdlib.h>
#include <string.h>

static void cross(struct traffic *traffic, int32_t us, uint64_t elapsed_ns, const char *text)
{
    char *copy = strdup(text); /* which does not outlive the call */
    struct event event = {
        .kind = EVENT_EXCHANGE,
        .number = us,
        .elapsed_ns = elapsed_ns,
        .text = text_of(copy),
    };

    traffic_add(traffic, &event);
    free(copy);
}

static void prints(seam_t *t, struct traffic *traffic, int depth, const char *want)
{
    struct buf words = BUF_INIT(1 << 20);

    traffic_print(traffic, &words, depth);
    seam_check_str(t, buf_text(&words), want);
    buf_fini(&words);
    traffic_fini(traffic);
}

SEAM_TEST(traffic_of_nothing_is_nothing)
{
    struct traffic traffic = { 0 };

    seam_via(t, prints(t, &traffic, 0, ""));
}

SEAM_TEST(traffic_shows_what_there_is)
{
    struct traffic traffic = { 0 };

    cross(&traffic, 400, 60000, "POST https://h/c\n429\n\n{\"error\":\"slow down\"}");
    cross(&traffic, 2149, 152600000, "GET /\n501\nno rule\n");
    cross(&traffic, 12500000, 12000000000, "GET /\nreset after 10 bytes\nrule 'a'\nbody");
    cross(&traffic, -1, 0, "GET /");
    seam_via(t,
             prints(t, &traffic, 1,
                    "        traffic (last 4 of 4):\n"
                    "            0.4 ms  POST https://h/c  -> 429  {\"error\":\"slow down\"}\n"
                    "            2.1 ms  GET /  -> 501 in 153 ms  (no rule)\n"
                    "            12.5 s  GET /  -> reset after 10 bytes in 12.0 s  (rule 'a')"
                    "  body\n"
                    "            0.0 ms  GET /  -> no answer\n"));
}

SEAM_TEST(traffic_says_what_was_served)
{
    struct traffic traffic = { 0 };
    struct event event = { .kind = EVENT_EXCHANGE,
                           .flags = EVENT_SERVED,
                           .text = text_of("GET /\n200\n\n") };

    traffic_add(&traffic, &event);
    seam_via(t, prints(t, &traffic, 0,
                       "    traffic (last 1 of 1):\n"
                       "        0.0 ms  served GET /  -> 200\n"));
}

SEAM_TEST(traffic_aligns_its_times)
{
    struct traffic traffic = { 0 };

    cross(&traffic, 99, 0, "a\n1");
    cross(&traffic, 1234567, 0, "b\n2");
    seam_via(t, prints(t, &traffic, 0,
                       "    traffic (last 2 of 2):\n"
                       "           0.1 ms  a  -> 1\n"
                       "        1234.6 ms  b  -> 2\n"));
}

SEAM_TEST(traffic_keeps_the_last_ten)
{
    struct traffic traffic = { 0 };
    struct buf want = BUF_INIT(10000);

    for (int i = 1; i <= 37; i++)
        cross(&traffic, 0, 0, seam_format(t, "GET /%d\n200", i));
    buf_add_text(&want, "    traffic (last 10 of 37):\n");
    for (int i = 28; i <= 37; i++)
        buf_printf(&want, "        0.0 ms  GET /%d  -> 200\n", i);
    seam_via(t, prints(t, &traffic, 0, buf_text(&want)));
    buf_fini(&want);
}

/* Whoever writes into the event pipe need not be our code. */
SEAM_TEST(traffic_is_bounded)
{
    struct traffic traffic = { 0 };
    struct buf words = BUF_INIT(1 << 20);
    char *text = seam_alloc(t, 100000);

    memset(text, 'x', 99999);
    for (int i = 0; i < 20; i++)
        cross(&traffic, 0, 0, text);
    cross(&traffic, 0, 0, "");
    traffic_print(&traffic, &words, 0);
    seam_check_lt(t, words.size, TRAFFIC_KEPT * (TRAFFIC_TEXT_MAX + 100));
    buf_fini(&words);
    traffic_fini(&traffic);
}
