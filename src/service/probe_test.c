/* service/probe_test.c - what servers answer to a probe, as bytes; and real ones. */

#include "service/probe.h"

#include <seam/seam.h>
#include <seam/service.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BYTES(text) text, sizeof text - 1

SEAM_TEST(probe_judges_answers)
{
    static const struct {
        int probe;
        const char *data;
        size_t size;
        int want;
        const char *words;
    } cases[] = {
        { SEAM_PROBE_POSTGRES, BYTES(""), -EINPROGRESS, "" },
        { SEAM_PROBE_POSTGRES, BYTES("R\0\0\0\x08\0\0\0\0"), 0, "" },
        { SEAM_PROBE_POSTGRES, BYTES("E\0\0\0\x20SFATAL\0C28000\0Mno role\0\0\0\0\0\0\0\0"), 0,
          "" },
        { SEAM_PROBE_POSTGRES, BYTES("E\0\0\0\x1dSFATAL\0C57P03\0Mstarting\0\0"), -EAGAIN,
          "starting" },
        { SEAM_PROBE_POSTGRES, BYTES("E\0\0\0\x1dSFATAL\0C57"), -EINPROGRESS, "" },
        { SEAM_PROBE_POSTGRES, BYTES("E\x7f\0\0\0"), -EPROTO,
          "what answers is no PostgreSQL: 'E\\x7f\\x00\\x00\\x00'" },
        { SEAM_PROBE_POSTGRES, BYTES("HTTP/1.1 400 Bad Request"), -EPROTO,
          "what answers is no PostgreSQL: 'HTTP/1.1 400'" },
        { SEAM_PROBE_REDIS, BYTES("+PONG\r\n"), 0, "" },
        { SEAM_PROBE_REDIS, BYTES("+PO"), -EINPROGRESS, "" },
        { SEAM_PROBE_REDIS, BYTES("-NOAUTH Authentication required.\r\n"), 0, "" },
        { SEAM_PROBE_REDIS, BYTES("-LOADING Redis is loading\r\n"), -EAGAIN,
          "-LOADING Redis is loading" },
        { SEAM_PROBE_REDIS, BYTES("$3"), -EPROTO, "what answers is no Redis: '$3'" },
        { SEAM_PROBE_AMQP, BYTES("\1\0\0\0\0\1\1\0\x0a\0\x0a"), 0, "" },
        { SEAM_PROBE_AMQP, BYTES("\1\0\0\0\0\1"), -EINPROGRESS, "" },
        { SEAM_PROBE_AMQP, BYTES("AMQP\0\1\0\0"), -EPROTO,
          "what answers is no AMQP 0-9-1 broker: 'AMQP\\x00\\x01\\x00\\x00'" },
        { SEAM_PROBE_KAFKA, BYTES("\0\0\0\x0a\0\0\0\7\0\0\0\0\0\0"), 0, "" },
        { SEAM_PROBE_KAFKA, BYTES("\0\0\0\x0a\0\0\0\7"), -EINPROGRESS, "" },
        { SEAM_PROBE_KAFKA, BYTES("\0\0\0\x0a\0\0\0\7\0\x23"), -EAGAIN,
          "Kafka answers with error 35" },
        { SEAM_PROBE_KAFKA, BYTES("\0\0\0\x0a\0\0\0\x08\0\0"), -EPROTO,
          "what answers is no Kafka: '\\x00\\x00\\x00\\x0a\\x00\\x00\\x00\\x08\\x00\\x00'" },
        { SEAM_PROBE_MYSQL,
          BYTES("J\0\0\0\x0a"
                "8.0.35"),
          0, "" },
        { SEAM_PROBE_MYSQL, BYTES("\x17\0\0\0\xff\x10\x04Too many connections"), -EAGAIN,
          "Too many connections" },
        { SEAM_PROBE_MYSQL, BYTES("SSH-2.0"), -EPROTO, "what answers is no MySQL: 'SSH-2.0'" },
        { SEAM_PROBE_MQTT, BYTES("\x20\x02\0\5"), 0, "" },
        { SEAM_PROBE_MQTT, BYTES("\x20"), -EINPROGRESS, "" },
        { SEAM_PROBE_MQTT, BYTES("H"), -EPROTO, "what answers is no MQTT broker: 'H'" },
        { 99, BYTES("x"), -EPROTO, "there is no probe 99" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = { "" };

        int got = probe_judge(cases[i].probe, cases[i].data, cases[i].size, &err);

        seam_check_str(t, seam_format(t, "case %zu: %d %s", i, got, err.text),
                       seam_format(t, "case %zu: %d %s", i, cases[i].want, cases[i].words));
    }
}

/* Each byte of an answer may come alone. */
SEAM_TEST(probe_waits_for_a_whole_answer)
{
    static const char answer[] = "E\0\0\0\x1dSFATAL\0C57P03\0Mstarting\0\0";

    for (size_t size = 0; size < sizeof answer - 1; size++)
        seam_check_eq(t, probe_judge(SEAM_PROBE_POSTGRES, answer, size, NULL), -EINPROGRESS);
}

SEAM_TEST(probe_says_why_it_cannot_connect)
{
    struct err err = { "" };

    seam_check_eq(t, probe_ask(SEAM_PROBE_REDIS, "127.0.0.1", 1, 1000, &err), -EAGAIN);
    seam_check_str(t, err.text, "connect to 127.0.0.1:1: Connection refused");
    seam_check_eq(t, probe_ask(SEAM_PROBE_REDIS, "not a host", 1, 1000, &err), -EAGAIN);
}

/* ---- servers that say their words byte by byte */

struct scripted {
    int listener;
    const char *question, *answer;
    size_t question_size, answer_size;
    bool asked_so;
};

static void *answer_one(void *arg)
{
    struct scripted *script = arg;
    char got[64];
    int fd = accept4(script->listener, NULL, NULL, SOCK_CLOEXEC);
    size_t size = 0;

    while (size < script->question_size) {
        ssize_t n = read(fd, got + size, sizeof got - size);

        if (n <= 0)
            break;
        size += (size_t)n;
    }
    script->asked_so =
        size == script->question_size && memcmp(got, script->question, size) == 0;
    for (size_t i = 0; i < script->answer_size; i++)
        if (send(fd, script->answer + i, 1, MSG_NOSIGNAL) < 0)
            break;
    close(fd);
    return NULL;
}

/* What probe_ask says of a server that is asked exactly so and answers so. */
static int ask_scripted(seam_t *t, int probe, struct scripted *script, struct err *err)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    pthread_t thread;
    int r;

    script->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    seam_require_ok(t, bind(script->listener, (struct sockaddr *)&address, size));
    seam_require_ok(t, listen(script->listener, 1));
    seam_require_ok(t, getsockname(script->listener, (struct sockaddr *)&address, &size));
    seam_require_ok(t, pthread_create(&thread, NULL, answer_one, script));
    r = probe_ask(probe, "127.0.0.1", ntohs(address.sin_port), 5000, err);
    pthread_join(thread, NULL);
    close(script->listener);
    return r;
}

#define KAFKA_ASKED BYTES("\0\0\0\x0e\0\x12\0\0\0\0\0\x07\0\4seam")

SEAM_TEST(probe_asks_scripted_servers)
{
    static const struct {
        int probe;
        const char *question;
        size_t question_size;
        const char *answer;
        size_t answer_size;
        int want;
        const char *words;
    } cases[] = {
        { SEAM_PROBE_KAFKA, KAFKA_ASKED, BYTES("\0\0\0\x0a\0\0\0\7\0\0\0\0\0\0"), 0, "" },
        { SEAM_PROBE_KAFKA, KAFKA_ASKED, BYTES("\0\0\0\x0a\0\0\0\7\0\x07\0\0\0\0"), -EAGAIN,
          "Kafka answers with error 7" },
        { SEAM_PROBE_KAFKA, KAFKA_ASKED, BYTES("\0\0"), -EAGAIN,
          "the server closed the connection without an answer" },
        { SEAM_PROBE_MYSQL, BYTES(""),
          BYTES("\x05\0\0\0\x0a"
                "8.0\0"),
          0, "" },
        { SEAM_PROBE_MYSQL, BYTES(""), BYTES("\x17\0\0\0\xff\x10\x04Too many connections"),
          -EAGAIN, "Too many connections" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scripted script = { .question = cases[i].question,
                                   .question_size = cases[i].question_size,
                                   .answer = cases[i].answer,
                                   .answer_size = cases[i].answer_size };
        struct err err = { "" };
        int got = ask_scripted(t, cases[i].probe, &script, &err);

        seam_check(t, script.asked_so);
        seam_check_str(t, seam_format(t, "case %zu: %d %s", i, got, err.text),
                       seam_format(t, "case %zu: %d %s", i, cases[i].want, cases[i].words));
    }
}

SEAM_TEST(probe_asks_a_real_redis, .tags = "integration")
{
    seam_container *redis = seam_process_start(
        t, .argv = { "redis-server", "--port", "{port}", "--bind", "127.0.0.1" });
    struct err err = { "" };
    int port = seam_container_port(redis, 0);

    seam_check_ok(t, probe_ask(SEAM_PROBE_REDIS, "127.0.0.1", port, 1000, &err));
    seam_check_eq(t, probe_ask(SEAM_PROBE_MQTT, "127.0.0.1", port, 200, &err), -EAGAIN);
    seam_check_str(t, err.text, "connected, but no answer came in time");
}
