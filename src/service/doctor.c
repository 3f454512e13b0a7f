/* service/doctor.c - what can be started on this machine; see doctor.h. */

#include "service/doctor.h"

#include <stdio.h>
#include <string.h>

#include "service/doctor_line.h"
#include "service/engine.h"
#include "service/modules/postgres_find.h"
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
    engine_close(engine);
    return true;
}

bool doctor_services(void)
{
    bool postgres = look_for_postgres(), redis = look_for_redis(), docker = look_for_docker();

    return postgres && redis && docker;
}
