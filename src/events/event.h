/*
 * events/event.h - the typed event stream between child, agent, runner and reporters.
 *
 * One struct serves all kinds; what a field means for a kind stands beside the kind. A child writes
 * events to its event pipe, the runner completes them (package, full test name) and hands them to
 * each reporter and to the log that -events writes. Every report is made from this stream alone, so
 * `seam replay` prints the same.
 *
 * Record: u32 size of the rest, u8 kind, u8 status, u16 flags, u32 node, u32 parent, i32 number,
 * u32 x 4 sizes, u32 zero, u64 time_ns, u64 elapsed_ns, then the four texts. Little-endian, as all machines
 * that Seam runs on. A log begins with EVENT_LOG_MAGIC; a reader refuses another version. A kind that a reader
 * does not know is skipped (by the runner, which hands it on, and by each reporter), so a new kind needs no new
 * version.
 *
 * Ownership: an event borrows its texts, from whoever made it or from the bytes it was decoded from.
 * Threads: any; there is no state.
 */
#ifndef EVENTS_EVENT_H
#define EVENTS_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "events/tally.h"

#define EVENT_LOG_MAGIC "seam-events-1\n"

enum event_kind {
    /* from a test's process */
    EVENT_RUN = 1, /* a (sub)test begins: node, parent, test = its full name */
    EVENT_END, /* it ended: node, status, elapsed_ns */
    EVENT_PAUSE, /* a parallel subtest waits: node */
    EVENT_CONTINUE, /* and goes on: node */
    EVENT_MESSAGE, /* node, status = enum message_kind, file, number = line, text */
    EVENT_ATTR, /* node, file = key, text = value */
    EVENT_ARTIFACT, /* node, text = folder */
    EVENT_CRASH, /* number = signal, status = enum crash_access, elapsed_ns = the address, node = thread,
                    parent = (sub)test, text = stack pointer and raw addresses of code, in hex */
    EVENT_LEFT, /* something was left behind: node, text names it */
    EVENT_EXCHANGE, /* a request and its answer at a seam: node, file = which seam ("http"), number = microseconds
                       from the beginning of the (sub)test to the request, elapsed_ns = from there to the answer,
                       text = four lines: what was asked, the answer, a note, the head of the answer's body, masked
                       and without control characters; each may be empty but the first */
    EVENT_TALLY, /* node, status = enum tally, number = to be added, text = why */
    /* made by the runner */
    EVENT_OUTPUT = 32, /* raw output: node, text */
    EVENT_START, /* the run: text = version */
    EVENT_NOTE, /* a line about the run: text */
    EVENT_PACKAGE, /* a package begins: package */
    EVENT_BUILD_OUTPUT, /* package, text = the compiler's own words */
    EVENT_PACKAGE_END, /* package, status = enum package_status, elapsed_ns, text = reason, number = tests run */
    EVENT_FINISH /* the run: status = exit code, elapsed_ns */
};

enum verdict { VERDICT_PASS, VERDICT_FAIL, VERDICT_SKIP };

enum message_kind {
    MESSAGE_LOG,
    MESSAGE_ERROR,
    MESSAGE_SKIP,
    MESSAGE_NOTE,
    MESSAGE_WARNING /* shown also when the test passes */
};

/* What was done at the address that a crash names. */
enum crash_access { CRASH_NO_ADDRESS, CRASH_READ, CRASH_WRITE, CRASH_DIVIDED_BY_ZERO };

enum package_status {
    PACKAGE_OK,
    PACKAGE_FAIL,
    PACKAGE_BUILD_FAILED,
    PACKAGE_SETUP_FAILED,
    PACKAGE_NO_TEST_FILES,
    PACKAGE_NO_TESTS_RUN
};

/* Bytes in somebody else's memory. */
struct text {
    const char *data;
    size_t size;
};

struct event {
    uint8_t kind;
    uint8_t status;
    uint16_t flags;
    uint32_t node; /* 1 is the test itself, others its subtests */
    uint32_t parent;
    int32_t number;
    uint64_t time_ns; /* CLOCK_MONOTONIC in a run, since 1970 in a log and for reporters */
    uint64_t elapsed_ns;
    struct text package;
    struct text test;
    struct text file;
    struct text text;
};

enum {
    EVENT_ROOT = 1 /* the node of the test itself */,
    EVENT_MAX = 64 << 20 /* bytes of a record */
};

enum event_flag {
    EVENT_MARKED = 1, /* a mark in the output stream says where this event belongs */
    EVENT_VERBATIM = 2, /* a message without file:line in front */
    EVENT_FORKED = 4, /* from a process that the test forked: not counted by marks */
    EVENT_OVERFLOW = 8, /* a crash whose address is at the end of the stack */
    EVENT_SERVED = 16 /* an exchange in which a server of the test's answered, not a double */
};

struct text text_of(const char *text); /* NULL is empty */

/* How large the record is, in bytes, and the record itself, into memory of that size. No allocation,
 * and safe in a signal handler. Above EVENT_MAX no reader takes it. */
size_t event_size(const struct event *event);
void event_write(char *to, const struct event *event);

/* Add the record to `to`. -ENOBUFS, and nothing added, when it is above EVENT_MAX or the cap of `to`. */
int event_encode(struct buf *to, const struct event *event);

/* Take the first record of `size` bytes, which nobody need be trusted for; its texts point into `data`.
 * Returns the bytes it covers, 0 when more must come first, -EPROTO when it is none. */
long event_decode(const char *data, size_t size, struct event *ret);

#endif
