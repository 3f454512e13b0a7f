/*
 * test/spawn_report.h - what a program that a test spawned leaves where it crashes.
 *
 * libseam-crash.so is preloaded into it and into what it starts. Its handler writes the file
 * $SEAM_CRASH/<process id>, has the program $SEAM_STACKS write the stacks of the process below that, and then lets
 * the signal do what it would have done. The test reads the file when the program has ended.
 *
 *   crash <SIGNAL> <ACCESS> <ADDRESS> <OVERFLOWED> <SENDER> <NAME>
 *   ...                             as in runner/stacks/print.h
 *   end
 *
 * Fields are separated by tabs. ACCESS: enum crash_access; ADDRESS: hex; SENDER: the other process that sent the
 * signal, which is no crash, and no stack is read; 0: none.
 */
#ifndef TEST_SPAWN_REPORT_H
#define TEST_SPAWN_REPORT_H

#define SPAWN_REPORT_FOLDER "SEAM_CRASH"
#define SPAWN_REPORT_STACKS "SEAM_STACKS"
#define SPAWN_REPORT_LIBRARY "libseam-crash.so"

/* From the signal to the end of the process; `stacks` limits itself to 5 s. */
enum { SPAWN_REPORT_MS = 6000 };

#endif
