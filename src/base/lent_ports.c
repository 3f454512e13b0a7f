/* base/lent_ports.c - see lent_ports.h. */

#include "base/lent_ports.h"

#include <stdatomic.h>

enum { PORTS = 65536, WORD = 32 };

static atomic_uint lent[PORTS / WORD]; /* a bit for each port */

void lent_ports_add(int port)
{
    if (port > 0 && port < PORTS)
        atomic_fetch_or(&lent[port / WORD], 1U << port % WORD);
}

bool lent_ports_have(int port)
{
    return port > 0 && port < PORTS && atomic_load(&lent[port / WORD]) & 1U << port % WORD;
}
