/*
 * test/crash.c - when a signal kills the test, say so and hold still.
 *
 * The handler does nothing but write one event and wait: the runner attaches, unwinds all threads and
 * kills. What it calls is safe in a signal handler: it may have struck inside malloc or under our lock.
 * When the runner cannot be told, the signal does what it would have done without us.
 */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/deadline.h"
#include "test/state.h"

enum { CRASH_STACK = 64 << 10, CRASH_FRAMES = 32 };

static const int crash_signals[] = {
    SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP
};
static char alternate_stack[CRASH_STACK];

/* The sanitizers report bad addresses better than we can. */
extern void __asan_init(void) __attribute__((weak));
extern void __tsan_init(void) __attribute__((weak));

#if defined(__x86_64__)
static const uintptr_t *frame_of(const ucontext_t *context, uintptr_t *ret_pc,
                                 uintptr_t *ret_sp)
{
    *ret_pc = (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
    *ret_sp = (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
    return (const uintptr_t *)context->uc_mcontext.gregs[REG_RBP];
}
#elif defined(__aarch64__)
static const uintptr_t *frame_of(const ucontext_t *context, uintptr_t *ret_pc,
                                 uintptr_t *ret_sp)
{
    *ret_pc = context->uc_mcontext.pc;
    *ret_sp = context->uc_mcontext.sp;
    return (const uintptr_t *)context->uc_mcontext.regs[29];
}
#else
static const uintptr_t *frame_of(const ucontext_t *context, uintptr_t *ret_pc,
                                 uintptr_t *ret_sp)
{
    (void)context;
    *ret_pc = *ret_sp = 0;
    return NULL;
}
#endif

static size_t add_hex(char *to, size_t at, uintptr_t value)
{
    static const char digits[] = "0123456789abcdef";
    int shift = (int)sizeof value * 8 - 4;

    while (shift > 0 && (value >> shift) == 0)
        shift -= 4;
    if (at > 0)
        to[at++] = ',';
    for (; shift >= 0; shift -= 4)
        to[at++] = digits[value >> shift & 15];
    return at;
}

/* Whether the address lies just below (or in) the frame that was being made. */
static bool stack_overflowed(int number, const siginfo_t *info, const ucontext_t *context)
{
    const uintptr_t near = 64 << 10;
    uintptr_t address = (uintptr_t)info->si_addr;
    uintptr_t pc, sp = 0;

    frame_of(context, &pc, &sp);
    return number == SIGSEGV && info->si_code == SEGV_MAPERR && address < sp + near &&
           address + near > sp;
}

/* The stack pointer, then the addresses of code: walk the frame pointers, reading through the kernel
 * so that a broken chain cannot crash us again. Only used when the runner may not attach. */
static size_t raw_addresses(char *to, const ucontext_t *context)
{
    uintptr_t pc, sp;
    const uintptr_t *frame = frame_of(context, &pc, &sp);
    size_t at = add_hex(to, add_hex(to, 0, sp), pc);

    for (int i = 1; i < CRASH_FRAMES; i++) {
        uintptr_t pair[2];
        struct iovec here = { pair, sizeof pair };
        struct iovec there = { (void *)frame, sizeof pair };

        if (!frame || process_vm_readv(getpid(), &here, 1, &there, 1, 0) != sizeof pair ||
            pair[0] <= (uintptr_t)frame)
            break;
        at = add_hex(to, at, pair[1]);
        frame = (const uintptr_t *)pair[0];
    }
    return at;
}

static enum crash_access access_of(int number, const siginfo_t *info, const ucontext_t *context)
{
    if (number == SIGFPE && info->si_code == FPE_INTDIV)
        return CRASH_DIVIDED_BY_ZERO;
    if (info->si_code <= 0 || (number != SIGSEGV && number != SIGBUS))
        return CRASH_NO_ADDRESS;
#if defined(__x86_64__)
    return context->uc_mcontext.gregs[REG_ERR] & 2 ? CRASH_WRITE : CRASH_READ;
#else
    (void)context;
    return CRASH_READ;
#endif
}

static void crash_handler(int number, siginfo_t *info, void *context)
{
    char addresses[(CRASH_FRAMES + 1) * 17];
    struct event event = {
        .kind = EVENT_CRASH,
        .number = number,
        .node = (uint32_t)syscall(SYS_gettid),
        .parent = current_test ? current_test->node : EVENT_ROOT,
        .elapsed_ns = (uintptr_t)info->si_addr,
        .status = (uint8_t)access_of(number, info, context),
    };

    if (stack_overflowed(number, info, context))
        event.flags |= EVENT_OVERFLOW;
    signal(number, SIG_DFL);
    event.text = (struct text){ addresses, raw_addresses(addresses, context) };
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
