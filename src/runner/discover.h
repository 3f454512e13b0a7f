/*
 * runner/discover.h - package patterns become folders with their files.
 *
 * `.`, `dir` and `./dir` name one folder, `dir/...` that folder and all below it. Folders whose name begins
 * with '.' or '_', `testdata`, and build trees of CMake, Meson and ninja are passed over below a `...`, and so
 * is what we may not read. Sources are files (.c .cc .cpp .cxx .S), whatever else bears such a name.
 */
#ifndef RUNNER_DISCOVER_H
#define RUNNER_DISCOVER_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>

struct source_file {
    struct source_file *next;
    const char *path; /* absolute */
    const char
        *name; /* within its package: "orders_test.c", "../src/orders.c" of a directive */
    bool is_test;
    bool is_extra; /* a //seam:sources line brings it */
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
    unsigned number; /* from 0, in order */
    const char *name; /* as reports show it: "examples/orders" */
    const char *argument; /* as a command line names it: "./examples/orders" */
    const char *folder; /* absolute */
    struct source_file *files; /* by name */
    struct directive *directives;
    const char *trouble; /* why it cannot be built */
    bool has_tests;
    unsigned capabilities; /* enum capability: what its headers ask for */
};

enum language { LANGUAGE_NONE, LANGUAGE_C, LANGUAGE_CXX };

/* The language of a source by its name; an assembler source (.S) goes through the C compiler. */
enum language source_language(const char *name);

/* Whether a source of that name, without folders, has tests. */
bool source_is_test(const char *name);

/* The absolute path of `name`, which may be relative to `folder`: links and ".." are resolved in its
 * folders, but not in its last part. As it is where there is no such folder. */
const char *source_path(struct arena *arena, const char *folder, const char *name);

/* Find the packages of the patterns ("." when there is none), in order and each once. */
int discover(struct arena *arena, const char *const *patterns, int count,
             struct source_package **ret, struct err *err);

#endif
