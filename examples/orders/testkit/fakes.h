/*
 * testkit/fakes.h - stand-ins for the service's ports, written by hand.
 *
 * Each keeps what it was given and can be told to fail. They keep the contracts
 * of ports.h as far as the service can see; whether PostgreSQL keeps them too is
 * what the tests of repository/ are for.
 */
#ifndef TESTKIT_FAKES_H
#define TESTKIT_FAKES_H

#include "service/announcer.h"
#include "service/order_service.h"

enum { FAKE_ROOM = 32 };

/* What each call answers without doing anything; zero: it does its work. */
struct refusals {
    enum repository_result save, find, find_by_key, list, update, take, finish;
};

/* Orders and the outbox in memory, with the unique key and the version check of the real thing. */
struct fake_repository {
    struct order orders[FAKE_ROOM];
    size_t count;
    struct event events[FAKE_ROOM]; /* the outbox, the oldest first */
    size_t event_count;

    struct refusals refuse;

    /* What somebody else does just before the next save (adds that order) or update (makes that
     * of the order, or removes it). */
    const struct order *rival_saves;
    const struct order *rival_updates;
    bool rival_removes;
};

struct fake_gateway {
    enum payment_result answer;
    const char *payment_id; /* what an accepted charge is called */
    size_t silent_from; /* from that charge on, counted from 1, no answer; 0: never */
    size_t count; /* charges asked for */
    char key[ORDER_ID_LENGTH + 1]; /* of the last one */
    struct money amount;
};

struct fake_publisher {
    size_t silent_from; /* from that event on, counted from 1, nobody takes it; 0: never */
    struct event events[FAKE_ROOM];
    size_t count;
};

struct fake_bell {
    size_t rung;
};

struct fake_clock {
    int64_t now_us; /* stands still until the test moves it */
};

struct fake_ids {
    int used; /* the ids are those of sample_order(1), (2), ... */
    bool runs_dry;
};

/* A service, an announcer, and the whole world around them. */
struct world {
    struct fake_repository orders;
    struct fake_gateway payments;
    struct fake_publisher published;
    struct fake_bell bell;
    struct fake_clock clock;
    struct fake_ids ids;
    struct order_service service;
    struct announcer announcer;
};

/* Everything works and nothing has happened yet. Both point into `world`. */
void world_init(struct world *world);

#endif
