/*
 * service/modules/kafka_library.h - librdkafka, loaded when a test first asks for a Kafka.
 *
 * The keeper of a run without Kafka does not load it, and it need not be installed then.
 *
 * Ownership: the table lives as long as the process, and so does the library.
 * Threads: any; the first caller loads.
 */
#ifndef SERVICE_MODULES_KAFKA_LIBRARY_H
#define SERVICE_MODULES_KAFKA_LIBRARY_H

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "base/err.h"

#define KAFKA_LIBRARY_FUNCTIONS(X)                                                             \
    X(conf_new)                                                                                \
    X(conf_set)                                                                                \
    X(conf_destroy)                                                                            \
    X(conf_set_opaque)                                                                         \
    X(conf_set_log_cb)                                                                         \
    X(conf_set_dr_msg_cb)                                                                      \
    X(new)                                                                                     \
    X(destroy)                                                                                 \
    X(destroy_flags)                                                                           \
    X(poll)                                                                                    \
    X(produceva)                                                                               \
    X(purge)                                                                                   \
    X(error_code)                                                                              \
    X(error_string)                                                                            \
    X(error_destroy)                                                                           \
    X(err2str)                                                                                 \
    X(err2name)                                                                                \
    X(get_err_descs)                                                                           \
    X(last_error)                                                                              \
    X(metadata)                                                                                \
    X(metadata_destroy)                                                                        \
    X(query_watermark_offsets)                                                                 \
    X(topic_new)                                                                               \
    X(topic_destroy)                                                                           \
    X(topic_name)                                                                              \
    X(consume_start_queue)                                                                     \
    X(consume_stop)                                                                            \
    X(consume_queue)                                                                           \
    X(message_destroy)                                                                         \
    X(message_timestamp)                                                                       \
    X(message_headers)                                                                         \
    X(header_get_all)                                                                          \
    X(queue_new)                                                                               \
    X(queue_poll)                                                                              \
    X(queue_destroy)                                                                           \
    X(event_destroy)                                                                           \
    X(event_error)                                                                             \
    X(event_error_string)                                                                      \
    X(AdminOptions_new)                                                                        \
    X(AdminOptions_destroy)                                                                    \
    X(AdminOptions_set_request_timeout)                                                        \
    X(AdminOptions_set_operation_timeout)                                                      \
    X(NewTopic_new)                                                                            \
    X(NewTopic_set_config)                                                                     \
    X(NewTopic_destroy)                                                                        \
    X(CreateTopics)                                                                            \
    X(event_CreateTopics_result)                                                               \
    X(CreateTopics_result_topics)                                                              \
    X(DeleteTopic_new)                                                                         \
    X(DeleteTopic_destroy)                                                                     \
    X(DeleteTopics)                                                                            \
    X(event_DeleteTopics_result)                                                               \
    X(DeleteTopics_result_topics)                                                              \
    X(topic_result_error)                                                                      \
    X(topic_result_error_string)                                                               \
    X(topic_partition_list_new)                                                                \
    X(topic_partition_list_add)                                                                \
    X(topic_partition_list_destroy)                                                            \
    X(committed)                                                                               \
    X(mock_cluster_new)                                                                        \
    X(mock_cluster_destroy)                                                                    \
    X(mock_cluster_bootstraps)                                                                 \
    X(mock_topic_create)                                                                       \
    X(mock_push_request_errors)                                                                \
    X(mock_broker_set_rtt)                                                                     \
    X(mock_broker_set_down)                                                                    \
    X(mock_broker_set_up)                                                                      \
    X(mock_partition_set_leader)                                                               \
    X(version_str)

/* By the names of rdkafka.h without their rd_kafka_. */
struct kafka_library {
#define KAFKA_LIBRARY_MEMBER(name) __typeof__(rd_kafka_##name) *name;
    KAFKA_LIBRARY_FUNCTIONS(KAFKA_LIBRARY_MEMBER)
#undef KAFKA_LIBRARY_MEMBER
};

/* The table, or NULL and the reason. */
const struct kafka_library *kafka_library(struct err *err);

#endif
