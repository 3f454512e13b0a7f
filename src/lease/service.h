/*
 * lease/service.h - how a request for a server (seam/service.h) is written for the keeper.
 *
 *   container.start, process.start   {verb, test, private, timeout_ms, attempts, pull, name, request: frame}
 *   network.start                    {verb, test}
 *
 * `request` holds what makes two requests equal: {image, argv, ports, env, cmd, files, ...}, lists as the same
 * key again, and {wait: condition}. A condition is {kind, port, text, ...} and, of ALL and ANY, {part: condition}
 * again and again. One of kind ALL without parts stands for the default.
 */
#ifndef LEASE_SERVICE_H
#define LEASE_SERVICE_H

enum wait_kind {
    WAIT_ALL,
    WAIT_ANY,
    WAIT_RUNS,
    WAIT_PORT,
    WAIT_LOG,
    WAIT_HTTP,
    WAIT_EXEC,
    WAIT_HEALTHY,
    WAIT_EXIT,
    WAIT_FILE,
    WAIT_SQL,
    WAIT_PROBE,
    WAIT_KINDS
};

#endif
