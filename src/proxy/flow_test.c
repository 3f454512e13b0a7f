/* proxy/flow_test.c - when a flow passes on what, by a clock of the test's own. */
//seam:cflags -I.. -I../../include -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror
//seam:sources ../base/*.c ../events/*.c ../test/*.c ../net/*.c ../test/trial_test.c
//seam:pkg-config openssl

#include "proxy/flow.h"

#include <seam/seam.h>

static const uint64_t ms = 1000000u;

/* All that a flow does until `now`: bytes as they are, '|' between those that go at once, and how it ends. */
static const char *done_by(seam_t *t, struct flow *flow, uint64_t now, uint64_t *ret_later)
{
    struct buf done = BUF_INIT(1 << 20);
    enum flow_step step;
    const char *text;

    *ret_later = 0;
    while ((step = flow_next(flow, now, &done, ret_later)) == FLOW_BYTES)
        buf_add_text(&done, "|");
    if (step != FLOW_NOTHING && step != FLOW_LATER)
        buf_add_text(&done, step == FLOW_END ? "end" : step == FLOW_RESET ? "reset" : "cut");
    text = seam_format(t, "%s", buf_text(&done));
    buf_fini(&done);
    return text;
}

#define passes(t, flow, now, want, want_later)                                                 \
    do {                                                                                       \
        uint64_t later;                                                                        \
                                                                                               \
        seam_check_eq(t, done_by((t), (flow), (now), &later), (want));                         \
        seam_check_eq(t, later, (uint64_t)(want_later));                                       \
    } while (0)

static void put(struct flow *flow, const char *text, uint64_t now)
{
    flow_put(flow, text, strlen(text), now);
}

SEAM_TEST(all_is_passed_on_at_once)
{
    struct flow flow;

    flow_init(&flow, 1);
    passes(t, &flow, 5, "", 0);
    put(&flow, "one", 5);
    put(&flow, "two", 6);
    flow_end(&flow, false, 7);
    passes(t, &flow, 7, "one|two|end", 0);
    flow_end(&flow, true, 8);
    passes(t, &flow, 8, "reset", 0);
    flow_fini(&flow);
}

SEAM_TEST(latency_counts_from_each_pieces_arrival)
{
    const seam_proxy_faults slow = { .latency_ms = 10 };
    struct flow flow;

    flow_init(&flow, 1);
    flow_set(&flow, &slow, 0);
    put(&flow, "one", 1 * ms);
    put(&flow, "two", 4 * ms);
    flow_end(&flow, false, 5 * ms);
    passes(t, &flow, 10 * ms, "", 11 * ms);
    passes(t, &flow, 11 * ms, "one|", 14 * ms);
    passes(t, &flow, 14 * ms, "two|", 15 * ms);
    passes(t, &flow, 15 * ms, "end", 0);
    flow_fini(&flow);
}

SEAM_TEST(jitter_stays_within_and_follows_from_the_seed)
{
    const seam_proxy_faults slow = { .latency_ms = 10, .jitter_ms = 4 };
    uint64_t at[2][50], least = UINT64_MAX, most = 0;

    for (int run = 0; run < 2; run++) {
        struct flow flow;

        flow_init(&flow, 77);
        flow_set(&flow, &slow, 0);
        for (int i = 0; i < 50; i++) {
            put(&flow, "x", (uint64_t)i * 100 * ms);
            done_by(t, &flow, (uint64_t)i * 100 * ms, &at[run][i]);
            at[run][i] -= (uint64_t)i * 100 * ms;
            done_by(t, &flow, (uint64_t)(i + 1) * 100 * ms, &(uint64_t){ 0 });
            least = at[run][i] < least ? at[run][i] : least;
            most = at[run][i] > most ? at[run][i] : most;
        }
        flow_fini(&flow);
    }
    seam_check_mem(t, at[0], sizeof at[0], at[1], sizeof at[1]);
    seam_check_le(t, 6 * ms, least);
    seam_check_lt(t, least, 7 * ms);
    seam_check_lt(t, 13 * ms, most);
    seam_check_le(t, most, 14 * ms);
}

SEAM_TEST(jitter_keeps_the_order_and_is_never_before)
{
    const seam_proxy_faults slow = { .latency_ms = 1, .jitter_ms = 50 };
    struct flow flow;
    uint64_t later;

    flow_init(&flow, 3);
    flow_set(&flow, &slow, 0);
    for (char c = 'a'; c <= 'z'; c++)
        flow_put(&flow, &c, 1, ms);
    seam_check_eq(t, done_by(t, &flow, 100 * ms, &later),
                  "a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p|q|r|s|t|u|v|w|x|y|z|");
    flow_fini(&flow);
}

SEAM_TEST(bytes_a_second_are_no_more)
{
    const seam_proxy_faults narrow = { .bytes_per_second = 100 };
    struct flow flow;

    flow_init(&flow, 1);
    flow_set(&flow, &narrow, 0);
    put(&flow, "abcdefg", 1000 * ms);
    passes(t, &flow, 1000 * ms, "", 1030 * ms); /* three at a time */
    passes(t, &flow, 1030 * ms, "abc|", 1060 * ms);
    passes(t, &flow, 1060 * ms, "def|", 1070 * ms);
    passes(t, &flow, 1070 * ms, "g|", 0);
    put(&flow, "hij", 1071 * ms); /* the line was free meanwhile */
    passes(t, &flow, 1090 * ms, "", 1101 * ms);
    flow_fini(&flow);
}

SEAM_TEST(what_was_missed_is_made_up_for_by_little)
{
    const seam_proxy_faults narrow = { .bytes_per_second = 100 };
    struct flow flow;

    flow_init(&flow, 1);
    flow_set(&flow, &narrow, 0);
    put(&flow, "abcdefghi", 1000 * ms);
    passes(t, &flow, 1000 * ms, "", 1030 * ms);
    passes(t, &flow, 5000 * ms, "abc|", 5010 * ms);
    flow_fini(&flow);
}

SEAM_TEST(pieces_go_one_by_one)
{
    const seam_proxy_faults small = { .piece = 2 };
    const seam_proxy_faults slow = { .piece = 2, .piece_gap_ms = 5, .latency_ms = 10 };
    struct flow flow;

    flow_init(&flow, 1);
    flow_set(&flow, &small, 0);
    put(&flow, "abcde", ms);
    passes(t, &flow, ms, "ab|cd|e|", 0);
    flow_set(&flow, &slow, ms);
    put(&flow, "abcde", ms);
    passes(t, &flow, ms, "", 11 * ms);
    passes(t, &flow, 11 * ms, "ab|", 16 * ms);
    passes(t, &flow, 17 * ms, "cd|", 22 * ms); /* counted from when it went */
    passes(t, &flow, 22 * ms, "e|", 0);
    flow_fini(&flow);
}

SEAM_TEST(cuts_come_after_bytes_time_or_at_once)
{
    const seam_proxy_faults bytes = { .cut_after = 4 };
    const seam_proxy_faults time = { .cut_after_ms = 10 };
    const seam_proxy_faults at_once = { .reset = true };
    struct flow flow;

    flow_init(&flow, 1);
    put(&flow, "before", 0);
    passes(t, &flow, 0, "before|", 0);
    flow_set(&flow, &bytes, 0);
    put(&flow, "abc", 0);
    passes(t, &flow, 0, "abc|", 0);
    put(&flow, "def", 0);
    passes(t, &flow, 0, "d|cut", 0);
    flow_set(&flow, &time, 5 * ms);
    passes(t, &flow, 14 * ms, "ef|", 15 * ms);
    passes(t, &flow, 15 * ms, "cut", 0);
    flow_set(&flow, &at_once, 15 * ms);
    put(&flow, "gone", 15 * ms);
    passes(t, &flow, 15 * ms, "cut", 0);
    flow_fini(&flow);
}

SEAM_TEST(a_cut_by_time_comes_before_bytes_that_are_late)
{
    const seam_proxy_faults faults = { .cut_after_ms = 10, .latency_ms = 20 };
    struct flow flow;

    flow_init(&flow, 1);
    flow_set(&flow, &faults, 0);
    put(&flow, "late", 0);
    passes(t, &flow, 0, "", 10 * ms);
    passes(t, &flow, 10 * ms, "cut", 0);
    flow_fini(&flow);
}

SEAM_TEST(a_stall_holds_all_and_gives_it_back)
{
    const seam_proxy_faults stall = { .stall = true };
    const seam_proxy_faults behind = { .stall_after = 2, .cut_after_ms = 10 };
    struct flow flow;

    flow_init(&flow, 1);
    flow_set(&flow, &stall, 0);
    seam_check(t, flow_is_full(&flow));
    put(&flow, "held", 0);
    flow_end(&flow, false, 0);
    passes(t, &flow, 1000 * ms, "", 0);
    flow_set(&flow, NULL, 1000 * ms);
    seam_check(t, !flow_is_full(&flow));
    passes(t, &flow, 1000 * ms, "held|end", 0);
    flow_set(&flow, &behind, 0);
    put(&flow, "abc", 0);
    passes(t, &flow, 0, "ab|", 10 * ms);
    passes(t, &flow, 10 * ms, "cut", 0);
    flow_fini(&flow);
}

SEAM_TEST(an_end_may_be_slow)
{
    const seam_proxy_faults slow = { .slow_close_ms = 30, .latency_ms = 1 };
    struct flow flow;

    flow_init(&flow, 1);
    flow_set(&flow, &slow, 0);
    put(&flow, "x", 0);
    flow_end(&flow, false, 0);
    passes(t, &flow, 1 * ms, "x|", 31 * ms);
    passes(t, &flow, 31 * ms, "end", 0);
    flow_fini(&flow);
}

SEAM_TEST(what_waits_follows_other_faults)
{
    const seam_proxy_faults slow = { .latency_ms = 10000 };
    struct flow flow;

    flow_init(&flow, 1);
    flow_set(&flow, &slow, 0);
    put(&flow, "x", 0);
    passes(t, &flow, 1, "", 10000 * ms);
    flow_set(&flow, NULL, 2);
    passes(t, &flow, 2, "x|", 0);
    flow_fini(&flow);
}

SEAM_TEST(without_room_only_time_counts)
{
    const seam_proxy_faults time = { .cut_after_ms = 10 };
    struct flow flow;
    uint64_t later = 0;

    flow_init(&flow, 1);
    put(&flow, "x", 0);
    seam_check_eq(t, (int)flow_next(&flow, 0, NULL, &later), FLOW_NOTHING);
    flow_set(&flow, &time, 0);
    seam_check_eq(t, (int)flow_next(&flow, 0, NULL, &later), FLOW_LATER);
    seam_check_eq(t, later, 10 * ms);
    seam_check_eq(t, (int)flow_next(&flow, 10 * ms, NULL, &later), FLOW_CUT);
    flow_fini(&flow);
}

SEAM_TEST(a_narrow_line_takes_little_ahead)
{
    static const char data[200 << 10];
    const seam_proxy_faults narrow = { .bytes_per_second = 1000 };
    struct flow flow;

    flow_init(&flow, 1);
    flow_put(&flow, data, sizeof data, 0);
    seam_check(t, !flow_is_full(&flow));
    flow_set(&flow, &narrow, 0);
    seam_check(t, flow_is_full(&flow));
    flow_fini(&flow);
}
