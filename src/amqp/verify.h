/*
 * amqp/verify.h - whether a real RabbitMQ says what the double has said; see seam/verify.h.
 *
 * All that clients sent and were answered is written down in the order in which it happened, until the test itself
 * changes what is in the broker, or makes it fail: no real one could know that. At the end of the test it is played to
 * a virtual host of its own, a connection for each connection, and each frame that comes back is compared.
 *
 * Threads: the loop's lock is held, but for amqp_verify.
 */
#ifndef AMQP_VERIFY_H
#define AMQP_VERIFY_H

#include "amqp/session.h"

struct amqp_turn {
    struct amqp_turn *next;
    int session;
    enum { AMQP_TURN_SAID, AMQP_TURN_HEARD, AMQP_TURN_END } what;
    const char
        *data; /* said by the client, or heard by it; a whole frame, or the first header */
    size_t size;
};

struct amqp_transcript {
    struct arena arena;
    struct amqp_turn *first, **end;
    size_t size; /* of all data */
    bool ended; /* by the test, or because it is too long */
    const char *login; /* that was used first */
};

void amqp_verify_begin(struct seam_amqp_mock *mock); /* if it is wanted */

void amqp_transcribe(void *session, const struct amqp_frame *frame); /* of the client's */
void amqp_transcribe_answers(struct amqp_session *session); /* what is to be sent */
void amqp_transcribe_end(struct amqp_session *session);
void amqp_transcribe_stop(struct seam_amqp_mock *mock);

/* Compare, and say at the mock's line where the two differ. Without the lock, when all sessions are over. */
void amqp_verify(struct seam_amqp_mock *mock);

#endif
