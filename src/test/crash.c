/*
 * test/crash.c - when a signal kills the test, say so and hold still.
 *
 * The handler does nothing but write one event and wait: the runner attaches, unwinds all threads and
 * kills. What it calls is safe in a signal handler: it may have struck inside malloc or under our lock.
 * When the runner cannot be told, the signal does what it would have done without us.
 */

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "test/crash_context.h"
#include "test/state.h"

static const int crash_signals[] = {
    SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP
};
static char alternate_stack[CRASH_STACK];

/* The sanitizers report bad addresses better than we can. */
extern void __asan_init(void) __attribute__((weak));
extern void __tsan_init(void) __attribute__((weak));

static void crash_handler(int number, siginfo_t *info, void *context)
{
    char addresses[CRASH_ADDRESSES];
    struct event event = {
        .kind = EVENT_CRASH,
        .number = number,
        .node = (uint32_t)syscall(SYS_gettid),
        .parent = current_test ? current_test->node : EVENT_ROOT,
        .elapsed_ns = (uintptr_t)info->si_addr,
        .status = (uint8_t)crash_access_of(number, info, context),
    };

    if (crash_overflowed(number, info, context))
        event.flags |= EVENT_OVERFLOW;
    signal(number, SIG_DFL);
    event.text = (struct text){ addresses, crash_addresses(addresses, context) };
    if (getpid() != process.pid || !emit_crash(&event)) {
        raise(number); /* it waits until this handler returns */
        return;
    }
    for (;;)
        pause();
}

bool crash_is_sanitized(void)
{
    return __asan_init || __tsan_init;
}

void crash_install(void)
{
    struct sigaction action = { .sa_sigaction = crash_handler,
                                .sa_flags = SA_SIGINFO | SA_ONSTACK };
    stack_t stack = { .ss_sp = alternate_stack, .ss_size = sizeof alternate_stack };

    if (!__asan_init)
        sigaltstack(&stack, NULL);
    for (size_t i = 0; i < sizeof crash_signals / sizeof *crash_signals; i++)
        if (!crash_is_sanitized() || crash_signals[i] == SIGABRT)
            sigaction(crash_signals[i], &action, NULL);
}
