/* amqp/mock/mock_test.h - a rabbitmq-c client of AMQP doubles: what the tests of this folder share. */
#ifndef AMQP_MOCK_MOCK_TEST_H
#define AMQP_MOCK_MOCK_TEST_H

#include <amqp_tcp_socket.h>
#include <seam/amqp_mock.h>

/* A connection with channel 1 open, which ends with the test. */
amqp_connection_state_t connect_to(seam_t *t, const char *host, int port, const char *vhost);

/* "" for a reply that is fine; else its code and text. */
const char *words_of(seam_t *t, amqp_rpc_reply_t reply);
#define check_done(t, conn) seam_check_str((t), words_of((t), amqp_get_rpc_reply(conn)), "")

void declare_queue(seam_t *t, amqp_connection_state_t conn, const char *name);
int publish(amqp_connection_state_t conn, const char *exchange, const char *key,
            const char *text);

/* The next frame's method on channel 1, 0 for none within a second. */
amqp_method_number_t next_method(amqp_connection_state_t conn);

/* The next message that a consumer gets, as text; NULL for none within a second. */
const char *next_delivery(seam_t *t, amqp_connection_state_t conn);

#endif
