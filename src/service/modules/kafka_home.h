/* service/modules/kafka_home.h - where an installed Kafka is, and the Java for it. */
#ifndef SERVICE_MODULES_KAFKA_HOME_H
#define SERVICE_MODULES_KAFKA_HOME_H

#include "base/err.h"

enum { KAFKA_PATH = 512 };

struct kafka_home {
    char folder[KAFKA_PATH]; /* with libs/ in it */
    char version[32];
    char java[KAFKA_PATH];
};

/* SEAM_KAFKA_HOME; else that of kafka-server-start.sh in PATH; else /opt/kafka; else what images/kafka has made.
 * -ENOENT: there is no Kafka; -ENOEXEC: there is one, and no Java; *ret_remedy (may be NULL) is set in both. */
int kafka_home_find(struct kafka_home *ret, const char **ret_remedy, struct err *err);

#endif
