/*
 * service/serve.h - the keeper's conversations: one thread for each connection.
 *
 * A connection begins with a frame {verb: ...}:
 *
 *   postgres.start, rabbitmq.start, kafka.start, redis.start, process.start, container.start, network.start
 *                                 a lease. Answered by the module's fields and {ok: 1}; then verbs of
 *                                 the module, each with its answer. It ends by {verb: release} of a
 *                                 test that passed, by {verb: failed}, answered by {kept: text} when
 *                                 -keep holds what it had, or by the connection's end.
 *   runner {run, disk, memory}    one more runner; it gets {note: text} frames
 *   services.list                 {name, version, tier, pid, leases, folder, uptime_ms} for each
 *   services.logs {name, lines}   {log: text}; lines 0: all
 *   services.down                 end all
 *
 * An answer is {ok: 1, ...}, {error: text, ...} or {skip: text, try: text}. A runner sends {bye: 1}
 * before it ends in an ordinary way; one that just vanishes is cleaned up after.
 */
#ifndef SERVICE_SERVE_H
#define SERVICE_SERVE_H

#include "service/keeper.h"

/* Serve the runner that has started us, and all who connect. False when no thread can be had. */
bool serve_begin(struct keeper *keeper);

/* End all services and remove the run's folders. */
SEAM_NORETURN void serve_end(struct keeper *keeper);

#endif
