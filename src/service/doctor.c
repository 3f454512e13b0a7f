/* service/doctor.c - what can be started on this machine; see doctor.h. */

#include "service/doctor.h"

#include <stdio.h>
#include <string.h>

#include "service/doctor_line.h"
#include "service/engine.h"
#include "service/modules/kafka_home.h"
#include "service/modules/kafka_library.h"
#include "service/modules/postgres_find.h"
#include "service/modules/rabbitmq_server.h"
#include "service/modules/redis_server.h"

static const char as_program[] = "a program of this machine", as_container[] = "a container";

static bool look_for_postgres(void)
{
    struct postgres_programs programs;
    struct err err = { "" };

    if (postgres_find(NULL, &programs, &err) < 0)
        return doctor_lacks("postgres", "apt-get install postgresql", "%s: %s", as_program,
                            err.text);
    return doctor_has("postgres", "%s: version %d in '%s'", as_program, programs.major,
                      programs.folder);
}

static bool look_for_redis(void)
{
    struct err err = { "" };
    char program[512];

    if (redis_server_find(program, sizeof program, &err) < 0)
        return doctor_lacks("redis", "apt-get install redis-server", "%s: %s", as_program,
                            err.text);
    return doctor_has("redis", "%s: '%s'", as_program, program);
}

static bool look_for_rabbitmq(void)
{
    struct err err = { "" };
    char program[512];

    if (rabbitmq_server_find(program, sizeof program, &err) < 0)
        return doctor_lacks("rabbitmq",
                            "apt-get install --no-install-recommends rabbitmq-server", "%s: %s",
                            as_program, err.text);
    return doctor_has("rabbitmq", "%s: '%s'", as_program, program);
}

/* Whatever runs it, it is asked by librdkafka, which has the mock cluster, too. */
static bool look_for_kafka(void)
{
    const char *remedy = NULL;
    struct kafka_home home;
    struct err err = { "" };
    const struct kafka_library *library = kafka_library(&err);

    if (!library)
        return doctor_lacks("kafka", "apt-get install librdkafka1", "all tiers: %s", err.text);
    doctor_has("kafka", "a mock cluster: librdkafka %s", library->version_str());
    if (kafka_home_find(&home, &remedy, &err) < 0)
        return doctor_lacks("kafka", remedy, "%s: %s", as_program, err.text);
    return doctor_has("kafka", "%s: version %s in '%s', %s", as_program, home.version,
                      home.folder, home.java);
}

/* The images that modules take when a test names none. */
static void look_for_images(struct engine *engine)
{
    static const struct {
        const char *module, *image;
    } images[] = { { "postgres", "postgres:17" },
                   { "redis", "redis:7" },
                   { "rabbitmq", "rabbitmq:3-management" },
                   { "kafka", "apache/kafka" } };

    for (size_t i = 0; i < sizeof images / sizeof *images; i++) {
        struct buf name = BUF_INIT(1024);
        struct err err = { "" };

        if (engine_image_name(images[i].image, &name, &err) < 0)
            doctor_lacks(images[i].module, NULL, "%s: %s", as_container, err.text);
        else if (engine_image_is_here(engine, buf_text(&name)))
            doctor_has(images[i].module, "%s: the image '%s' is here", as_container,
                       buf_text(&name));
        else
            doctor_has(images[i].module,
                       "%s: the image '%s' is not here yet: it is pulled when a test needs it",
                       as_container, buf_text(&name));
        buf_fini(&name);
    }
}

static bool look_for_docker(void)
{
    struct engine *engine;
    const char *remedy = NULL;
    struct err err = { "" };
    char *own;

    if (engine_open(&engine, &remedy, &err) < 0) {
        own = strstr(err.text, "; try: ");
        if (own) { /* words for that very failure */
            *own = '\0';
            remedy = own + strlen("; try: ");
        }
        return doctor_lacks("docker", remedy, "%s: %s", as_container, err.text);
    }
    doctor_has("docker", "%s: version %s (API %s) at '%s', ports on %s", as_container,
               engine_version(engine), engine_api(engine), engine_where(engine),
               engine_host(engine));
    look_for_images(engine);
    engine_close(engine);
    return true;
}

bool doctor_services(void)
{
    bool postgres = look_for_postgres(), redis = look_for_redis(),
         rabbitmq = look_for_rabbitmq();
    bool kafka = look_for_kafka();

    doctor_has("process",
               "any program of this machine, and the proxy between a client and a server");
    return look_for_docker() && postgres && redis && rabbitmq && kafka;
}
