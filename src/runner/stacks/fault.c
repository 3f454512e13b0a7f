/* runner/stacks/fault.c - the stack of a thread that crashed; see fault.h. */

#include "runner/stacks/fault.h"

#include <string.h>

#include "runner/stacks/machine.h"
#include "runner/stacks/process.h"

/* A thread as it was before a call. */
struct caller {
    pid_t pid;
    pid_t tid;
    uint64_t registers[MACHINE_REGISTERS];
};

static pid_t only_thread(Dwfl *dwfl, void *arg, void **thread_arg)
{
    struct caller *caller = arg;

    (void)dwfl;
    if (*thread_arg)
        return 0;
    *thread_arg = caller;
    return caller->tid;
}

static bool read_word(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *ret, void *arg)
{
    struct caller *caller = arg;

    (void)dwfl;
    return machine_read(caller->pid, address, ret);
}

static bool set_registers(Dwfl_Thread *thread, void *arg)
{
    struct caller *caller = arg;

    return dwfl_thread_state_registers(thread, 0, MACHINE_REGISTERS, caller->registers);
}

static const Dwfl_Thread_Callbacks callbacks = {
    .next_thread = only_thread,
    .memory_read = read_word,
    .set_initial_registers = set_registers,
};

/* Where the call came from; false when the fault is none of this kind, or the saved registers
 * are not what the handler was told. */
static bool find_caller(Dwfl *dwfl, const struct fault *fault, uint64_t trampoline_sp,
                        struct caller *ret)
{
    uint64_t *registers = ret->registers;

    if (process_module(dwfl, fault->pc))
        return false;
    *ret = (struct caller){ .pid = dwfl_pid(dwfl), .tid = fault->tid };
    if (!machine_interrupted(ret->pid, trampoline_sp, registers) ||
        registers[MACHINE_PC] != fault->pc || registers[MACHINE_SP] != fault->sp)
        return false;
    return machine_undo_call(ret->pid, registers) &&
           process_module(dwfl, registers[MACHINE_PC]);
}

static void put_in_front(struct trace *trace, uint64_t pc)
{
    trace->frame[0].exact = false; /* it has made the call */
    memmove(trace->frame + 1, trace->frame, trace->count * sizeof *trace->frame);
    trace->frame[0] = (struct frame){ .pc = pc, .exact = true };
    trace->count++;
    trace->gap++;
}

static bool unwind_from_caller(struct caller *caller, uint64_t deadline_ns, struct trace *ret)
{
    bool attached;
    Dwfl *dwfl;

    /* A Dwfl serves one source of registers for life, so this one needs its own. */
    if (process_open(&dwfl, caller->pid, NULL) < 0)
        return false;
    attached = dwfl_attach_state(dwfl, NULL, caller->pid, &callbacks, caller);
    if (attached)
        unwind_thread(dwfl, caller->tid, deadline_ns, ret);
    dwfl_end(dwfl);
    return attached && ret->count > 0;
}

bool fault_unwind(Dwfl *dwfl, const struct fault *fault, uint64_t deadline_ns,
                  struct trace *ret)
{
    size_t trampoline, last;
    struct caller caller;

    unwind_thread(dwfl, fault->tid, deadline_ns, ret);
    if (ret->count == 0)
        return false;
    trampoline = unwind_find_trampoline(ret);
    /* libdwfl cannot see that a frame is a trampoline when address 0 was interrupted. */
    last = trampoline ? trampoline : ret->count - 1;
    if (find_caller(dwfl, fault, ret->frame[last].sp, &caller) &&
        unwind_from_caller(&caller, deadline_ns, ret)) {
        put_in_front(ret, fault->pc);
        return true;
    }
    if (trampoline == 0 || trampoline + 1 == ret->count)
        return false;
    unwind_drop(ret, trampoline + 1);
    return true;
}
