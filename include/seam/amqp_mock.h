/*
 * seam/amqp_mock.h - a RabbitMQ's place taken at the wire, for unmodified AMQP 0-9-1 clients.
 *
 *     SEAM_TEST(order_paid_reaches_the_queue)
 *     {
 *         seam_amqp_mock *mock = seam_amqp_mock_start(t, .origin = "amqp://mq.prod:5672/shop");
 *
 *         seam_broker_expect(seam_amqp_mock_broker(mock), .exchange = "orders", .routing_key = "order.paid");
 *         seam_require_ok(t, publish_paid("amqp://guest:guest@mq.prod:5672/shop", 7));
 *     }
 *
 * Behind the protocol is the broker of seam/broker.h, with all its functions. With .origin the mock stands in for that
 * address, in the test program and in programs of seam_spawn; without, seam_amqp_mock_url says how to reach it. What
 * RabbitMQ refuses is refused with its codes and texts (404, 403, 405, 406, 530, 540); what the mock does not support
 * is refused as 540 and fails the test by name.
 *
 * With `seam test -verify` what each connection said is played to a virtual host of a real RabbitMQ when the test's
 * body has ended, and every answer is compared: a difference fails the test at the mock's line. That goes as far as the
 * test itself leaves the broker alone; what it puts in or breaks by hand no real one could know.
 *
 * Ownership: belongs to the (sub)test and stops with it. Threads: any thread may use the wire; the functions below are
 * for the (sub)test's own.
 */
#ifndef SEAM_AMQP_MOCK_H
#define SEAM_AMQP_MOCK_H

#include <seam/broker.h>

#ifdef __cplusplus
extern "C" {
#endif
SEAM_PUBLIC_BEGIN

typedef struct seam_amqp_mock seam_amqp_mock;

typedef struct seam_amqp_mock_options {
    const char *origin SEAM_0; /* "amqp[s]://host:port[/vhost]"; NULL: an address of its own */
    const char *user SEAM_0; /* who may log in; NULL: anybody */
    const char *password SEAM_0;
    int         heartbeat_s SEAM_0; /* what is proposed; 0: 60, as RabbitMQ does */
    int         frame_max SEAM_0; /* 0: 131072 */
    int         channel_max SEAM_0; /* 0: 2047 */
    bool        strict SEAM_0; /* as in seam_broker_options */
    bool        verify SEAM_0; /* check against a real RabbitMQ, also without -verify */
    seam_site   site SEAM_0; /* set for you */
} seam_amqp_mock_options;

#define seam_amqp_mock_start(...) seam_amqp_mock_start_(__VA_ARGS__, .site = SEAM_SITE)
#define seam_amqp_mock_start_(t, ...) seam_amqp_mock_start_at((t), SEAM_NEW(seam_amqp_mock_options, __VA_ARGS__))
seam_amqp_mock *seam_amqp_mock_start_at(seam_t *t, SEAM_REF(seam_amqp_mock_options) options);

seam_broker *seam_amqp_mock_broker(seam_amqp_mock *mock);
const char  *seam_amqp_mock_url(const seam_amqp_mock *mock); /* "amqp://guest:guest@127.0.0.1:port/%2f" */
int          seam_amqp_mock_port(const seam_amqp_mock *mock);
size_t       seam_amqp_mock_connections(const seam_amqp_mock *mock); /* open now */

/* Failures: close every connection, as an operator does (320 CONNECTION_FORCED; a client that does not confirm it is
 * disconnected after the time of a heartbeat, 30 s at most, as by RabbitMQ) or with a reset; refuse new ones;
 * connection.blocked and unblocked, as under a memory alarm. */
enum seam_amqp_failure {
    SEAM_AMQP_CLOSE,
    SEAM_AMQP_RESET,
    SEAM_AMQP_REFUSE,
    SEAM_AMQP_ACCEPT, /* new ones again */
    SEAM_AMQP_BLOCK,
    SEAM_AMQP_UNBLOCK,
    SEAM_AMQP_STALL /* nothing is answered any more, heartbeats neither */
};
#define seam_amqp_mock_fail(mock, what) seam_amqp_mock_fail_at((mock), SEAM_HERE, (what))
void seam_amqp_mock_fail_at(seam_amqp_mock *mock, seam_site at, enum seam_amqp_failure what);

SEAM_PUBLIC_END
#ifdef __cplusplus
}
#endif

#endif
