/* clock/thread_state.h - what threads of this and other processes are doing, as the kernel tells. */
#ifndef CLOCK_THREAD_STATE_H
#define CLOCK_THREAD_STATE_H

#include <stdbool.h>
#include <sys/types.h>

enum thread_state { THREAD_GONE, THREAD_WAITS, THREAD_RUNS };

/* It waits for something: for what, nobody says. */
enum thread_state thread_state(pid_t pid, pid_t tid);

/* The system call that a thread of this process waits in; -1 also where the kernel does not tell. */
long thread_system_call(pid_t tid);

/* Call fn for each thread of the process until it says false. */
void thread_visit(pid_t pid, bool (*fn)(void *arg, pid_t tid), void *arg);

#endif
