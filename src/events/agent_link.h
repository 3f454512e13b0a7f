/*
 * events/agent_link.h - what the runner and the agent in a test binary say to each other.
 *
 * The link is a SOCK_SEQPACKET pair; one packet is a struct agent_packet and, behind it, a text.
 * The runner starts the binary with `--seam-agent=FD:VERSION`; another version is refused by name.
 *
 *   runner                          agent
 *   CONFIG {frame of options}   ->
 *                               <-  HELLO {number = threads}
 *                               <-  TESTS {test = number of the first, frames} ... LISTED
 *   RUN {test, serial, flags,
 *        number}                ->
 *   START_NEXT, START_NONE      ->      (of those that were to wait)
 *                               <-  STARTED {test, serial, pid} + pidfd, output, events
 *                               <-  EVENTS {test, serial, pid} + those that it kept, when it has not written all
 *                               <-  EXITED {test, serial, pid, status, flags, rusage}
 *                               <-  NOTHING, to a START_NEXT that found none
 *                               <-  FAILED {test, serial, errno} and why it cannot be started
 *   (end of the connection)     ->  the agent ends
 */
#ifndef EVENTS_AGENT_LINK_H
#define EVENTS_AGENT_LINK_H

#include <stdint.h>

#define AGENT_VERSION "5"
#define AGENT_OPTION "--seam-agent="
#define AGENT_CHILD_OPTION "--seam-child="
#define AGENT_LIST_OPTION "--seam-list"

/* The environment variable that every process of a run carries, "<run id>.<serial, 8 digits>". */
#define AGENT_MARKER "SEAM_TEST_ID"
enum { AGENT_RUN_ID = 8, AGENT_SERIAL = 8 };

enum agent_op {
    AGENT_CONFIG = 1,
    AGENT_HELLO,
    AGENT_TESTS,
    AGENT_LISTED,
    AGENT_RUN,
    AGENT_START_NEXT, /* a slot is free: start one of those that wait for the end of another */
    AGENT_START_NONE, /* the run is stopped: forget those that wait */
    AGENT_NOTHING, /* there is none: the slot comes back */
    AGENT_STARTED,
    AGENT_EXITED,
    AGENT_EVENTS, /* records: what the test still had to write when it ended */
    AGENT_FAILED /* text: why this test cannot be started, or, before LISTED, no test at all */
};

enum agent_run_flag {
    AGENT_WHEN_FREE = 1 /* not now, but as soon as one of this agent's tests has ended */
};

enum agent_exit_flag {
    AGENT_GROUP_LEFT = 1, /* the test's process group still has members */
    AGENT_ORPHANS = 2, /* the agent has children that are no tests: some test's daemons */
    AGENT_NEXT = 4 /* one that waited has been started in its place */
};

struct agent_packet {
    uint32_t op;
    uint32_t test;
    uint32_t serial;
    uint32_t flags;
    int32_t pid;
    int32_t status;
    uint32_t number; /* RUN: subtests to pass over; HELLO: threads */
    uint32_t spare;
    uint64_t cpu_us;
    uint64_t peak_kb;
};

enum { AGENT_TEXT_MAX = 60000 };

/* What a test's pipe may hold once it is seen to be used much, whoever sees it. */
enum { AGENT_WIDE_PIPE = 512 << 10 };

/* Ends of a child that are no test's: it could not be set up; it lost the pipe for its events. */
enum { AGENT_EXIT_SETUP = 120, AGENT_EXIT_EVENTS_LOST = 121 };

/* Bits of a test frame's "flags" and of the CONFIG frame's "flags". */
enum agent_test_flag { AGENT_SERIAL_TEST = 1, AGENT_EXCLUSIVE = 2, AGENT_RESUME = 4 };
enum agent_config_flag {
    AGENT_SHORT = 1,
    AGENT_UPDATE = 2,
    AGENT_NO_SKIP = 4,
    AGENT_LEAKS = 8,
    AGENT_ISOLATE_EXEC = 16,
    AGENT_ISOLATE_NONE = 32,
    AGENT_CONTAINERS = 128, /* services are to be containers */
    AGENT_NATIVES = 8192, /* they are to be none */
    AGENT_NO_GROUPS = 256, /* no process group a test: Bazel forbids them */
    AGENT_NET_WARN = 512, /* connections that nobody allowed: said, not refused */
    AGENT_NET_ALLOW = 1024, /* neither */
    AGENT_NO_HOOKS = 2048,
    AGENT_VERIFY = 4096, /* what doubles claim is checked */
    AGENT_SANITIZED = 64 /* said by the agent: a sanitizer may end its tests */
};

/* Before what was written after it, a mark in the output pipe says how many events came: byte 0x16,
 * the nonce of the run (16 hex digits), the number (8 hex digits), 0x16. */
enum { MARK_BYTE = 0x16, MARK_NONCE = 16, MARK_SIZE = 1 + MARK_NONCE + 8 + 1 };

#endif
