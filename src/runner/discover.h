/*
 * runner/discover.h - package patterns become folders with their files.
 *
 * `.`, `dir` and `./dir` name one folder, `dir/...` that folder and all below it. Folders whose name begins
 * with '.' or '_', `testdata`, and build trees of CMake, Meson and ninja are passed over below a `...`.
 */
#ifndef RUNNER_DISCOVER_H
#define RUNNER_DISCOVER_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>

struct source_file {
    struct source_file *next;
    const char *path; /* absolute */
    const char *name; /* within its package: "orders_test.c" */
    bool is_test;
    bool is_cxx;
    bool excluded; /* its //seam:build is not true */
    bool has_main;
    bool included; /* a test includes it: it is not linked again */
    const char *wrapper; /* compile this instead: its static functions are made reachable */
    const char *flags; /* of a compile_commands.json; NULL: the package's */
    const char *folder; /* where those flags hold */
};

struct source_package {
    struct source_package *next;
    const char *name; /* as reports show it: "examples/orders" */
    const char *argument; /* as a command line names it: "./examples/orders" */
    const char *folder; /* absolute */
    struct source_file *files; /* by name */
    struct directive *directives;
    const char *trouble; /* why it cannot be built */
    bool has_tests;
};

/* Find the packages of the patterns ("." when there is none), in order and each once. */
int discover(struct arena *arena, const char *const *patterns, int count,
             struct source_package **ret, struct err *err);

#endif
