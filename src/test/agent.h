/* test/agent.h - the agent's state and the way from it to a test's process; private to agent*.c. */
#ifndef TEST_AGENT_H
#define TEST_AGENT_H

#include <poll.h>

#include "base/message.h"
#include "events/agent_link.h"
#include "test/state.h"

enum {
    FD_EVENTS = T_PRIVATE_FD,
    FD_OUTPUT,
    FD_CONFIG, /* only on the way through exec */
    FD_LINK,
    FD_CHILDREN,
    FD_BACKLOGS, /* only where tests are started by exec */
};

enum { RUNNING_SPARE = 8, EXIT_SETUP = AGENT_EXIT_SETUP };

struct running {
    pid_t pid;
    int pidfd; /* SIGCHLD could go to another thread, so the end is seen by this */
    uint32_t test;
    uint32_t serial;
    uint32_t backlog; /* its number */
};

/* A test that the runner has granted. */
struct granted {
    uint32_t test;
    uint32_t serial;
    uint32_t pass_over; /* subtests */
};

struct agent {
    struct seam_test_record **tests;
    size_t running_max; /* and as many may wait */
    uint32_t count;
    struct buf config; /* as it came, for exec */
    int argc;
    char **argv;
    char *marker; /* the digits in SEAM_TEST_ID */
    struct backlog *backlogs; /* one for each that may run; NULL: none could be had */
};

extern struct agent agent;

/* What changes with each test. After a fork the first write to a page copies it, so all of this is in one
 * block, and, unless very many tests run at once, in one page. */
struct hot {
    size_t running_count;
    size_t queue_first;
    size_t queue_count;
    struct agent_packet packet;
    struct running *running; /* as many as -parallel, and a few */
    struct granted *queue; /* a ring of as many: to wait until one of ours has ended */
    uint32_t *backlogs; /* numbers of those that no test has, from running_count on */
    struct pollfd *wait; /* the link, and a pidfd for each of them */
};
extern struct hot *hot;

/* agent.c */
void agent_take_config(const struct message *config);
void agent_collect_tests(void);
void agent_say(const struct agent_packet *packet, const int *fds, size_t count);
void agent_cannot_start(const struct granted *granted, const char *what);

/* agent_child.c: after the fork, and before the exit. */
SEAM_NORETURN void child_begin(const struct granted *granted, uint32_t backlog, pid_t parent);
SEAM_NORETURN void child_end(bool passed);

#endif
