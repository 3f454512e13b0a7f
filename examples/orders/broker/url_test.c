/* broker/url_test.c - addresses at which there is no broker: each says so, and none is waited for. */

#include <seam/net.h>

#include "broker/amqp_publisher.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

SEAM_CLEANUP_FN(close_publisher, amqp_publisher_close, struct amqp_publisher *);

struct url_row {
    const char *name;
    const char *url;
    const char *words;
};

SEAM_SUBTEST(url_row)
{
    static const struct event event = { .id = "1", .routing_key = "order.paid", .body = "{}" };
    const struct url_row *row = arg;
    const struct amqp_publisher_settings settings = { .url = row->url };
    struct amqp_publisher *publisher;
    struct event_publisher events;
    struct failure failure;

    seam_require_ok(t, amqp_publisher_open(&publisher, &settings));
    seam_cleanup(t, close_publisher, publisher);
    events = amqp_publisher_port(publisher);
    seam_check_eq(t, events.publish(events.self, &event, &failure), -1);
    seam_check_eq(t, failure.text, row->words);
}

SEAM_TEST(no_broker_there)
{
    static const struct url_row rows[] = {
        { "nothing", "", "the broker: its URL is not understood" },
        { "another protocol", "http://127.0.0.1/", "the broker: its URL is not understood" },
        { "TLS", "amqps://127.0.0.1/", "the broker: amqps is not supported" },
        { "nobody listens", "amqp://127.0.0.1:1",
          "the broker: cannot connect to 127.0.0.1:1: a socket error occurred" },
    };

    seam_net_allow(t, "127.0.0.1:1");
    for (size_t i = 0; i < COUNT(rows); i++)
        seam_run(t, rows[i].name, url_row, &rows[i]);
}
