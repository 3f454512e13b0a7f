/*
 * amqp/mock.h - the inside of an AMQP double: what its parts share.
 *
 *   program ─ link_driver ─┐                                                         ┌ broker (fake/broker.h)
 *                          ├ stream (net) ─ amqp_session ─ engine ─ serve*.c ─ lanes ┤
 *   program ─ listener ────┘                (wire/amqp_server.h)                     └ consumers
 *
 * A session is made when a connection comes, and goes when that has ended. What its engine asks is answered at once,
 * by the broker that tests look into, too. What the broker gives to consumers comes by its door (door.c).
 *
 * Locks: the loop's lock guards all of it; the broker's is taken inside of that.
 */
#ifndef AMQP_MOCK_H
#define AMQP_MOCK_H

#include "amqp/origin.h"
#include "double/running.h"
#include "double/told.h"
#include "fake/broker.h"
#include "net/listener.h"
#include "net/tls.h"
#include "seam/amqp_mock.h"

struct amqp_session;
struct amqp_transcript; /* verify.h */

struct seam_amqp_mock {
    seam_t *t;
    seam_site site;
    struct running running;
    seam_amqp_mock_options options;
    seam_broker *broker;
    struct broker_door door;
    struct amqp_origin origin;
    const char *url, *name; /* the latter without a password, for messages */
    bool has_own_address, has_routes, denies, listens;
    bool refuses, blocks; /* as seam_amqp_mock_fail has it */
    struct listener listener;
    struct tls_server *tls;
    struct amqp_session *sessions;
    int session_count; /* so far */
    uint64_t names; /* that were made up so far */
    struct loop_timer expiry; /* of the next message */
    struct told told; /* what is not supported */
    struct buf words; /* of the report that is being made */
    struct amqp_transcript *transcript; /* NULL: nobody verifies */
};

/* ---- mock_route.c */

int amqp_mock_route_add(struct seam_amqp_mock *mock, struct err *err);
void amqp_mock_route_remove(struct seam_amqp_mock *mock); /* lock not held */
int amqp_mock_listen(struct seam_amqp_mock *mock, struct err *err);

/* ---- door.c */

void amqp_door_open(struct seam_amqp_mock *mock);
void amqp_door_close(struct seam_amqp_mock *mock);

/* Give to consumers what is due. Only with a session entered that asks for it, or none. */
void amqp_door_pump(struct seam_amqp_mock *mock);

#endif
