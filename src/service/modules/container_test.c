/* service/modules/container_test.c - what is read of a container, without one. */

#include "service/modules/container.h"

#include <seam/seam.h>

#include <stdlib.h>

SEAM_TEST(container_listens_as_its_tables_say)
{
    static const char tables[] =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
        "   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n"
        "   1: 0100007F:0050 0200007F:C001 01 00000000:00000000 00:00000000 00000000     0\n"
        "  sl  local_address                         remote_address                        st\n"
        "   0: 00000000000000000000000000000000:1538 00000000000000000000000000000000:0000 0A "
        "0\n";

    seam_check(t, container_listens_in(tables, 8080));
    seam_check(t, container_listens_in(tables, 5432));
    seam_check(t, !container_listens_in(tables, 80));
    seam_check(t, !container_listens_in(tables, 49153));
    seam_check(t, !container_listens_in("", 80));
    seam_check(t, !container_listens_in("\n\nsl\n 0:", 80));
}

/* What a kernel may forbid a daemon to do is at least asked for. */
SEAM_TEST(body_of_the_create_call)
{
    static const char *const none[] = { NULL };
    struct request request = { .privileged = true,
                               .network_mode = "none",
                               .memory = 6 << 20,
                               .cpus = "0.5",
                               .health_command = "true",
                               .health_interval_ms = 2,
                               .raw_json = "{\"HostConfig\":{\"Init\":true}}",
                               .ports = none,
                               .env = (const char *const[]){ "A=b", NULL },
                               .cmd = none,
                               .entrypoint = none,
                               .labels = none,
                               .mounts = none,
                               .tmpfs = none,
                               .ulimits = none,
                               .caps = (const char *const[]){ "NET_ADMIN", "-CHOWN", NULL },
                               .extra_hosts = none };
    struct container container = { .server.request = &request };
    struct err err = { "" };
    json_t *body = container_body(&container, &err);
    char *text = json_dumps(json_object_get(body, "HostConfig"), JSON_SORT_KEYS);

    seam_cleanup(t, free, text);
    seam_check_json(t, text,
                    "{\"Binds\": [], \"Tmpfs\": {}, \"Ulimits\": [], \"CapAdd\": "
                    "[\"NET_ADMIN\"], \"CapDrop\": [\"CHOWN\"], \"ExtraHosts\": [], "
                    "\"Init\": true, \"Memory\": 6291456, \"NanoCpus\": 500000000, "
                    "\"NetworkMode\": \"none\", \"PortBindings\": {}, \"Privileged\": true}");
    seam_check_str(t, json_string_value(json_array_get(json_object_get(body, "Env"), 0)),
                   "A=b");
    json_decref(body);
}

SEAM_TEST(server_is_named_after_its_image)
{
    static const struct {
        const char *from, *want;
    } cases[] = {
        { "redis:7", "redis" },
        { "registry:5000/team/app@sha256:abc", "app" },
        { "/usr/sbin/mosquitto", "mosquitto" },
        { "My App", "_y__pp" },
        { "a-name-that-is-much-too-long", "a-name-that-is-m" },
        { "/", "_" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got[17];

        server_name(cases[i].from, got, sizeof got);
        seam_check_str(t, got, cases[i].want);
    }
}
