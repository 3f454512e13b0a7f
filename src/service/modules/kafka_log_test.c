/* service/modules/kafka_log_test.c - of a broker's log what is about one test. */

#include "service/modules/kafka_cluster.h"

#include <seam/seam.h>

#include <stdio.h>
#include <string.h>

static const char *slice(seam_t *t, const char *log, size_t from, const char *prefix)
{
    struct buf found = BUF_INIT(4096);
    struct service service = { .kind = "kafka" };
    struct kafka_cluster cluster = { .service = &service };
    const char *text;

    snprintf(service.log, sizeof service.log, "%s/log", seam_tempdir(t));
    seam_write_file(t, service.log, log, strlen(log));
    kafka_log_slice(&cluster, from, prefix, &found);
    text = seam_format(t, "%s", buf_text(&found));
    buf_fini(&found);
    return text;
}

SEAM_TEST(kafka_log_shows_what_is_bad_and_nobody_elses)
{
    static const char log[] = "[1] INFO made t1-00ff-orders (a)\n"
                              "[2] WARN lost t1-00ff-orders-0 (a)\n"
                              "[3] ERROR lost t2-0a0b-orders-0 (a)\n"
                              "\tat some.Class\n"
                              "[4] ERROR the disk is full (a)\n"
                              "java.io.IOException: full\n"
                              "\tat some.Class\n"
                              "[5] INFO all is well (a)\n";

    seam_check_str(t, slice(t, log, 0, "t1-00ff-"),
                   "[2] WARN lost t1-00ff-orders-0 (a)\n"
                   "[4] ERROR the disk is full (a)\n"
                   "java.io.IOException: full\n"
                   "\tat some.Class\n");
    seam_check_str(t, slice(t, log, sizeof log - 1, "t1-00ff-"), "");
}
