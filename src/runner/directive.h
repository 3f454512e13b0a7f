/*
 * runner/directive.h - `//seam:` lines in a package's files.
 *
 *   //seam:build EXPR         compile this file only when true: tags with && || ! ( ); before any code
 *   //seam:pkg-config NAME... flags of these packages
 *   //seam:cflags WORD...     //seam:ldflags WORD...
 *   //seam:sources FILE...    compile these too; paths start at the folder; with a wildcard all but tests
 *   //seam:program NAME FILE... build a program that tests spawn
 *
 * Of what those two bring only //seam:build counts.
 */
#ifndef RUNNER_DIRECTIVE_H
#define RUNNER_DIRECTIVE_H

#include "runner/discover.h"

enum directive_kind {
    DIRECTIVE_BUILD,
    DIRECTIVE_PKG_CONFIG,
    DIRECTIVE_CFLAGS,
    DIRECTIVE_LDFLAGS,
    DIRECTIVE_SOURCES,
    DIRECTIVE_PROGRAM
};

struct directive {
    struct directive *next;
    enum directive_kind kind;
    const char *words;
    const char *file; /* name within the package */
    int line;
    const char *program; /* of //seam:program: its name, */
    struct source_file *files; /* and what it is made of */
};

/* Read all files of the package: directives, exclusions, main, included sources; then add those that
 * //seam:sources brings. `is_set` answers for a tag. A mistake goes to package->trouble with file and
 * line. */
void directives_read(struct arena *arena, struct source_package *package,
                     bool (*is_set)(void *arg, const char *tag), void *arg);

/* The words of all directives of a kind, a blank in front of each directive's. */
const char *directive_words(struct arena *arena, const struct source_package *package,
                            enum directive_kind kind);

/* Evaluate a build expression. Returns 1, 0, or -EINVAL with words. */
int directive_evaluate(const char *expression, bool (*is_set)(void *arg, const char *tag),
                       void *arg, struct err *err);

#endif
