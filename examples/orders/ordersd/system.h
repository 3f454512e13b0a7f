/* ordersd/system.h - ports that this machine fills in: time, names, waiting, and the log. */
#ifndef ORDERSD_SYSTEM_H
#define ORDERSD_SYSTEM_H

#include "payment/http_gateway.h"
#include "service/ports.h"

struct clock system_clock(void);
struct id_generator system_ids(void);

/* Announces an event as a line on stdout: "event <routing key> <id> <body>". */
struct event_publisher log_publisher(void);

/* Waits, but not beyond the moment when `*stop_fd` becomes readable. The descriptor is
 * borrowed. */
struct waiter system_waiter(int *stop_fd);

#endif
