/* wire/pg_session_test.c - what no server of version 15 can be asked: of newer ones, and what a double does not do. */

#include <stdlib.h>

#include "wire/pg_sides_test.h"

struct talk {
    const char *name, *version;
    const char *lines;
    const char *want; /* is in the answers; "^": begins them */
};

#define START "0 3.0 user=u|database=d\n"

static const struct talk talks[] = {
    { "protocol 3.2 of version 18 is spoken", "18.1", "0 3.2 user=u|database=d\n",
      "^R(0) S(application_name=)" },
    { "protocol 3.2 of version 17 is negotiated down", "17.2", "0 3.2 user=u|database=d\n",
      "^v(30000) R(0)" },
    { "the grease of a newer libpq, by version 18", "18.1",
      "0 3.9999 user=u|database=d|_pq_.test_protocol_negotiation=\n",
      "^v(30002 _pq_.test_protocol_negotiation) R(0)" },
    { "an extension alone, by version 18", "18.1", "0 3.0 user=u|database=d|_pq_.a=b\n",
      "^v(30002 _pq_.a) R(0)" },
    { "version 16 tells one parameter more", "16.1", START,
      "S(is_superuser=off) S(scram_iterations=4096) S(server_encoding=UTF8)" },
    { "version 18 tells another", "18.1", START,
      "S(scram_iterations=4096) S(search_path=\"$user\", public) S(server_encoding=UTF8)" },
    { "version 13 tells two less", "13.9", START,
      "S(DateStyle=ISO, MDY) S(integer_datetimes=on)" },
    { "function calls are refused", NULL,
      START "x 46 0000000e 00000001 00000000 0000\nQ select 1\n",
      "E(ERROR 0A000 seam's double does not know function calls (PQfn)) Z(I) T(" },
    { "replication is refused", NULL, "0 3.0 user=u|replication=true\n",
      "E(FATAL 0A000 seam's double does not know replication)" },
    { "SHOW ALL is refused", NULL, START "Q show all\n",
      "E(ERROR 0A000 seam's double does not know SHOW ALL) Z(I)" },
    { "a result in a binary format that is not known here is refused", NULL,
      START "P |select '::1'::inet|\nB ||||1\nE |0\nS\n",
      "1 2 E(ERROR 0A000 column \"inet\": seam's double does not know the binary format of "
      "type inet) "
      "Z(I)" },
    { "so is an argument", NULL, START "P |select $1::int|869\nB ||1|abc|\nE |0\nS\n",
      "1 E(ERROR 0A000 parameter $1: seam's double does not know the binary format of type "
      "inet) "
      "Z(I)" },
    { "and one of a type that nobody knows", NULL,
      START "P |select $1::int|99999\nB ||1|abc|\nE |0\nS\n",
      "1 E(ERROR 0A000 parameter $1: seam's double does not know the binary format of the type "
      "with "
      "OID 99999) Z(I)" },
    { "more than a message may have", NULL, START "x 51 10000000\n",
      "E(FATAL 08P01 message of 268435456 bytes, at most 67108864 are taken here) END" },
};

static void play_talk(seam_t *t, void *arg)
{
    const struct talk *talk = arg;
    struct side side = { .version = talk->version };
    struct buf bytes = BUF_INIT(SIDE_MAX);
    char *copy = strdup(talk->lines), *at = copy;

    side_open(t, &side);
    while (*at)
        script_line(&bytes, script_cut(&at, '\n'));
    side_send(t, &side, &bytes);
    if (side.is_over)
        buf_add_text(&side.text, "END ");
    if (talk->want[0] == '^')
        seam_check(t,
                   strncmp(buf_text(&side.text), talk->want + 1, strlen(talk->want) - 1) == 0);
    seam_check_contains(t, buf_text(&side.text), talk->want + (talk->want[0] == '^'));
    side_close(&side);
    buf_fini(&bytes);
    free(copy);
}

SEAM_TEST(pg_sessions_of_other_versions_and_limits)
{
    for (size_t i = 0; i < sizeof talks / sizeof *talks; i++)
        seam_run(t, talks[i].name, play_talk, (void *)&talks[i]);
}

/* From protocol 3.2 on the key has 32 bytes, which the cancel brings back; the owner is told the first four. */
SEAM_TEST(pg_keys_of_protocol_3_2_are_long)
{
    static const char head[] = { 'K', 0, 0, 0, 40, 0, 0, 0, SIDE_PID, 0, 0, 0, SIDE_KEY };
    struct side side = { .version = "18.1" };
    struct pg_server_options options = { .version = "18.1" };
    struct buf bytes = BUF_INIT(SIDE_MAX);
    struct pg_server *other;
    struct pg_ask *ask;
    const char *key;
    size_t begun;

    side_open(t, &side);
    script_line(&bytes, (char[]){ "0 3.2 user=u|database=d" });
    side_send(t, &side, &bytes);
    key = memmem(buf_text(&side.raw), side.raw.size, head, sizeof head);
    seam_require(t, key != NULL);
    begun = pg_begin(&bytes, 0);
    pg_put_int32(&bytes, PG_CANCEL_REQUEST);
    buf_add(&bytes, key + 5, 36);
    pg_end(&bytes, begun);
    seam_require_eq(t, pg_server_new(&other, &options), 0);
    pg_server_feed(other, bytes.data, bytes.size);
    seam_require_eq(t, pg_server_next(other, &ask), PG_SERVER_ASK);
    seam_check_eq(t, ask->kind, PG_ASK_CANCEL);
    seam_check_eq(t, ask->pid, SIDE_PID);
    seam_check_eq(t, ask->key, SIDE_KEY);
    pg_server_free(other);
    side_close(&side);
    buf_fini(&bytes);
}

/* 'S', and nothing more until the owner has begun TLS; what was sent behind the request is no part of it. */
SEAM_TEST(pg_tls_begins_when_it_is_asked_for)
{
    static const char request[] = { 0, 0, 0, 8, 0x04, (char)0xd2, 0x16, 0x2f, 0, 0 };
    struct pg_server_options options = { .tls = true };
    struct pg_server *server;
    struct pg_ask *ask;

    seam_require_eq(t, pg_server_new(&server, &options), 0);
    pg_server_feed(server, request, 8);
    seam_check_eq(t, pg_server_next(server, &ask), PG_SERVER_TLS);
    seam_check_mem(t, buf_text(pg_server_out(server)), pg_server_ready(server), "S", 1);
    seam_check_eq(t, pg_server_next(server, &ask), PG_SERVER_MORE);
    pg_server_free(server);

    seam_require_eq(t, pg_server_new(&server, &options), 0);
    pg_server_feed(server, request, 10);
    seam_check_eq(t, pg_server_next(server, &ask), PG_SERVER_END);
    seam_check_contains(t, buf_text(pg_server_out(server)) + 6, "FATAL");
    pg_server_free(server);
}
