/*
 * runner/stacks/machine.h - the little that depends on the processor.
 *
 * All else is libdw's. On a machine that is not named here stacks are read as well; they show
 * less after a call to where no code is, and do not name what was called in a libc without
 * symbols.
 */
#ifndef RUNNER_STACKS_MACHINE_H
#define RUNNER_STACKS_MACHINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { MACHINE_REGISTERS = 17 }; /* in DWARF's numbering, the return address column included */

#if defined(__x86_64__)
enum { MACHINE_SP = 7, MACHINE_PC = 16 };
#else
enum { MACHINE_SP = 0, MACHINE_PC = 0 }; /* nothing is done with them there */
#endif

/* Read a word of another process. */
bool machine_read(pid_t pid, uint64_t address, uint64_t *ret);

/* The registers that a signal saved, by the stack pointer of the frame that its handler returns
 * to. Returns false where they cannot be read, or nobody has told how. */
bool machine_interrupted(pid_t pid, uint64_t trampoline_sp, uint64_t ret[MACHINE_REGISTERS]);

/* Go back to the caller, before the first instruction of what was called. */
bool machine_undo_call(pid_t pid, uint64_t registers[MACHINE_REGISTERS]);

/* Where an instruction leads: nowhere that can be told from it, to an address, or to the
 * address that is stored in a slot. */
enum machine_jump { MACHINE_NO_JUMP, MACHINE_TO_CODE, MACHINE_TO_SLOT };

enum { MACHINE_CALL_SIZE = 6, MACHINE_STUB_SIZE = 16 };

/* Read the call that ends at `behind`. `code` has MACHINE_CALL_SIZE bytes up to there. */
enum machine_jump machine_call(const uint8_t *code, uint64_t behind, uint64_t *ret);

/* Read an entry of the procedure linkage table. `code` has MACHINE_STUB_SIZE bytes from
 * `address`. */
enum machine_jump machine_stub(const uint8_t *code, uint64_t address, uint64_t *ret);

#endif
