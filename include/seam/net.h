/*
 * seam/net.h - what a test may reach outside its process.
 *
 * A test that called seam_net_deny, or has a double such as seam/http_mock.h, makes no connection that
 * nobody allowed: an outgoing TCP or UDP connection over IPv4 or IPv6 is refused and fails the test, naming
 * host, port and the library that called. These pass without being allowed: doubles, leases (databases and
 * so on that the test was given), listeners of the test's own process and of programs that it spawned,
 * unix sockets, and the name servers of the system. A port of this machine that was open before
 * the test began passes as little as one elsewhere, so that nobody's own database is written to by accident.
 * Where nobody listens on this machine the program gets the kernel's refusal, and the test does not fail.
 *
 * `seam test -net warn` lets such connections pass and says so, `-net allow` lets them pass: names that no
 * double has are then looked up in earnest.
 *
 * Link with pkg-config `seam-http-mock`, as for seam/http_mock.h.
 *
 * Ownership: strings passed in are copied; what is allowed or broken is so until the (sub)test ends.
 * Threads: only the (sub)test's own.
 */
#ifndef SEAM_NET_H
#define SEAM_NET_H

#include <seam/seam.h>

#ifdef __cplusplus
extern "C" {
#endif
SEAM_PUBLIC_BEGIN

/* Let connections to "host:port" pass; "host" for all its ports, ":port" for a port of any host, "*" for all.
 * A host is a name, as the program looks it up, or an address. Ends the test when it is none of these. */
#define seam_net_allow(t, destination) seam_net_allow_at((t), SEAM_HERE, (destination))
void seam_net_allow_at(seam_t *t, seam_site at, const char *destination);

/* Refuse what nobody allowed, in a test without a double. */
#define seam_net_deny(t) seam_net_deny_at((t), SEAM_HERE)
void seam_net_deny_at(seam_t *t, seam_site at);

/* Break what would pass: connections to the destination, written as above, are refused, or get no answer.
 * For tests of what the program does when a real service is away. */
enum seam_net_fault { SEAM_NET_REFUSED = 1, SEAM_NET_NO_ANSWER, SEAM_NET_UNKNOWN_HOST };
#define seam_net_break(t, destination, fault) seam_net_break_at((t), SEAM_HERE, (destination), (fault))
void seam_net_break_at(seam_t *t, seam_site at, const char *destination, int fault);

/* Undo seam_net_break. */
void seam_net_mend(seam_t *t, const char *destination);

SEAM_PUBLIC_END
#ifdef __cplusplus
}
#endif

#endif
