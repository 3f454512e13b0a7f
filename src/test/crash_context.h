/*
 * test/crash_context.h - what the context of a crash's signal handler tells.
 *
 * Shared by the handlers of a test (crash.c) and of programs that it spawns (crash_spawned.c). All is safe in
 * a signal handler.
 */
#ifndef TEST_CRASH_CONTEXT_H
#define TEST_CRASH_CONTEXT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "events/event.h"

enum { CRASH_STACK = 64 << 10, CRASH_FRAMES = 32, CRASH_ADDRESSES = (CRASH_FRAMES + 1) * 17 };

/* The number in hex, behind a comma unless it is the first. Returns where it ends; at most 17 bytes are added. */
size_t crash_add_hex(char *to, size_t at, uintptr_t value);

/* The stack pointer, then the addresses of code, with commas between. Returns the size, at most CRASH_ADDRESSES. */
size_t crash_addresses(char *to, const void *context);

/* Whether the address lies just below (or in) the frame that was being made. */
bool crash_overflowed(int number, const siginfo_t *info, const void *context);

enum crash_access crash_access_of(int number, const siginfo_t *info, const void *context);

#endif
