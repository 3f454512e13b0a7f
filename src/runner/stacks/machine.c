/* runner/stacks/machine.c - the little that depends on the processor; see machine.h. */

#include "runner/stacks/machine.h"

#include <stddef.h>
#include <string.h>
#include <sys/uio.h>
#include <ucontext.h>

static bool read_memory(pid_t pid, uint64_t address, void *ret, size_t size)
{
    struct iovec here = { ret, size };
    struct iovec there = { (void *)(uintptr_t)address, size };

    return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)size;
}

bool machine_read(pid_t pid, uint64_t address, uint64_t *ret)
{
    return read_memory(pid, address, ret, sizeof *ret);
}

#if defined(__x86_64__)

bool machine_interrupted(pid_t pid, uint64_t trampoline_sp, uint64_t ret[MACHINE_REGISTERS])
{
    static const int order[] = { REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
                                 REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                 REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP };
    /* The handler's return took the trampoline's address off: the saved context comes next. */
    uint64_t at = trampoline_sp + offsetof(ucontext_t, uc_mcontext.gregs);
    gregset_t saved;

    if (!read_memory(pid, at, saved, sizeof saved))
        return false;
    for (size_t i = 0; i < MACHINE_REGISTERS; i++)
        ret[i] = (uint64_t)saved[order[i]];
    return true;
}

bool machine_undo_call(pid_t pid, uint64_t registers[MACHINE_REGISTERS])
{
    if (!machine_read(pid, registers[MACHINE_SP], &registers[MACHINE_PC]))
        return false;
    registers[MACHINE_SP] += sizeof(uint64_t);
    return true;
}

/* The address that lies a signed 32-bit distance from `from`. */
static uint64_t relative(const uint8_t *distance, uint64_t from)
{
    int32_t value;

    memcpy(&value, distance, sizeof value);
    return from + (uint64_t)(int64_t)value;
}

enum machine_jump machine_call(const uint8_t *code, uint64_t behind, uint64_t *ret)
{
    *ret = relative(code + 2, behind);
    if (code[0] == 0xff && code[1] == 0x15) /* call *distance(%rip) */
        return MACHINE_TO_SLOT;
    return code[1] == 0xe8 ? MACHINE_TO_CODE : MACHINE_NO_JUMP; /* call distance */
}

enum machine_jump machine_stub(const uint8_t *code, uint64_t address, uint64_t *ret)
{
    static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
    size_t at = memcmp(code, endbr64, sizeof endbr64) == 0 ? sizeof endbr64 : 0;

    at += code[at] == 0xf2; /* bnd */
    *ret = relative(code + at + 2, address + at + 6);
    return code[at] == 0xff && code[at + 1] == 0x25 ? MACHINE_TO_SLOT : MACHINE_NO_JUMP;
}

#else

bool machine_interrupted(pid_t pid, uint64_t trampoline_sp, uint64_t ret[MACHINE_REGISTERS])
{
    (void)pid, (void)trampoline_sp, (void)ret;
    return false;
}

bool machine_undo_call(pid_t pid, uint64_t registers[MACHINE_REGISTERS])
{
    (void)pid, (void)registers;
    return false;
}

enum machine_jump machine_call(const uint8_t *code, uint64_t behind, uint64_t *ret)
{
    (void)code, (void)behind, (void)ret;
    return MACHINE_NO_JUMP;
}

enum machine_jump machine_stub(const uint8_t *code, uint64_t address, uint64_t *ret)
{
    (void)code, (void)address, (void)ret;
    return MACHINE_NO_JUMP;
}

#endif
