/* service/port.h - a TCP port on loopback that a server started later may have. */
#ifndef SERVICE_PORT_H
#define SERVICE_PORT_H

/* Let the kernel choose a port of 127.0.0.1 and leave it in TIME_WAIT: for a minute the kernel gives it
 * to nobody who asks for any port, while a server that asks for it (with SO_REUSEADDR, as all do) gets
 * it. Returns the port or -errno. */
int port_reserve(void);

#endif
