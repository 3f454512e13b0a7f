/* ordersd/system.h - ports that this machine fills in: time, names, waiting. */
#ifndef ORDERSD_SYSTEM_H
#define ORDERSD_SYSTEM_H

#include "payment/http_gateway.h"
#include "service/ports.h"

struct clock system_clock(void);
struct id_generator system_ids(void);

/* Waits, but not beyond the moment when `*stop_fd` becomes readable. The descriptor is
 * borrowed. */
struct waiter system_waiter(int *stop_fd);

#endif
