/* lease/rabbitmq.h - what the parts of seam_rabbitmq share. */
#ifndef LEASE_RABBITMQ_H
#define LEASE_RABBITMQ_H

#include "lease/lease.h"
#include "seam/rabbitmq.h"

struct seam_rabbitmq {
    seam_t *t;
    struct lease *lease;
    const char *url, *management_url, *host, *vhost, *user, *password, *version, *ca_file;
    int port;
    seam_rabbitmq_consumer *consumers;
};

/* A virtual host without ending the test: as lease_try. Also while it is being cleaned up. */
int rabbitmq_lease_try(seam_t *t, seam_site site, seam_rabbitmq **ret, const char **ret_why);

/* Ask and end the test when the answer is an error: "cannot <what>: ...". `frame` is ended and freed. */
void rabbitmq_ask(seam_rabbitmq *mq, seam_site at, struct buf *frame, struct message *ret,
                  const char *what, const char *of);

/* The same, but the answer is the caller's to judge: 0 or -EREMOTEIO. */
int rabbitmq_try(seam_rabbitmq *mq, seam_site at, struct buf *frame, struct message *ret);

/* The message in an answer, in the memory of the test. */
const seam_message *rabbitmq_message(seam_rabbitmq *mq, const struct message *answer);

#endif
