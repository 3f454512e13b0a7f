/* service/modules/container_test.c - what is read of a container, without one. */

#include "service/modules/container.h"

#include <seam/seam.h>

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
