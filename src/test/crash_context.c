/* test/crash_context.c - what the context of a crash's signal handler tells; see crash_context.h. */

#include "test/crash_context.h"

#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

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

size_t crash_add_hex(char *to, size_t at, uintptr_t value)
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

bool crash_overflowed(int number, const siginfo_t *info, const void *context)
{
    const uintptr_t near = 64 << 10;
    uintptr_t address = (uintptr_t)info->si_addr;
    uintptr_t pc, sp = 0;

    frame_of(context, &pc, &sp);
    return number == SIGSEGV && info->si_code == SEGV_MAPERR && address < sp + near &&
           address + near > sp;
}

/* Walk the frame pointers, reading through the kernel so that a broken chain cannot crash us again. Only used
 * when nobody may attach. */
size_t crash_addresses(char *to, const void *context)
{
    uintptr_t pc, sp;
    const uintptr_t *frame = frame_of(context, &pc, &sp);
    size_t at = crash_add_hex(to, crash_add_hex(to, 0, sp), pc);

    for (int i = 1; i < CRASH_FRAMES; i++) {
        uintptr_t pair[2];
        struct iovec here = { pair, sizeof pair };
        struct iovec there = { (void *)frame, sizeof pair };

        if (!frame || process_vm_readv(getpid(), &here, 1, &there, 1, 0) != sizeof pair ||
            pair[0] <= (uintptr_t)frame)
            break;
        at = crash_add_hex(to, at, pair[1]);
        frame = (const uintptr_t *)pair[0];
    }
    return at;
}

enum crash_access crash_access_of(int number, const siginfo_t *info, const void *context)
{
    if (number == SIGFPE && info->si_code == FPE_INTDIV)
        return CRASH_DIVIDED_BY_ZERO;
    if (info->si_code <= 0 || (number != SIGSEGV && number != SIGBUS))
        return CRASH_NO_ADDRESS;
#if defined(__x86_64__)
    return ((const ucontext_t *)context)->uc_mcontext.gregs[REG_ERR] & 2 ? CRASH_WRITE
                                                                         : CRASH_READ;
#else
    (void)context;
    return CRASH_READ;
#endif
}
