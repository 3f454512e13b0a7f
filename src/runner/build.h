/*
 * runner/build.h - packages become test programs, by a ninja file in the cache.
 *
 *   <cache>/build/<hash of folder and flavour>/build.ninja   one for all packages of the command
 *                                             /<package>/x.c.o, <name>_test
 *
 * ninja does the incremental work; this writes its file, runs it, and gives each package its own part
 * of the output. Only one run builds in a folder at a time (flock).
 */
#ifndef RUNNER_BUILD_H
#define RUNNER_BUILD_H

#include <sys/types.h>

#include "base/buf.h"

#include "runner/discover.h"
#include "runner/options.h"

/* Where our own headers and library are: in a build tree or an installed prefix. */
struct installation {
    const char *include;
    const char *library; /* libseam.a */
    const char *libexec;
};

struct build {
    struct arena *arena;
    const struct options *options;
    const struct installation *installation;
    struct source_package *packages;
    const char *cache;
    const char *folder; /* of the ninja file */
    const char *cc;
    const char *cxx;
    const char *cflags;
    const char *cxxflags;
    const char *ldflags;
    struct pkg_config_answer *answers; /* of this run */
    int lock;
};

/* Set up from the environment (CC, CXX, CFLAGS, CXXFLAGS, LDFLAGS), for packages of the current folder.
 * Waits for another run that builds there. */
int build_init(struct build *build, struct err *err);

/* Choose the files of each package that are compiled: directives, tags, compile_commands.json. Fails when
 * that of -build is not there. */
int build_prepare(struct build *build, struct err *err);

/* The test program of a package; the name of its folder is taken where the package is ".". */
const char *build_binary(const struct build *build, const struct source_package *package);

/* Build all packages that have tests and no trouble. Blocks. What failed has words in `output` of its
 * result afterwards. */
struct build_result {
    struct build_result *next;
    struct source_package *package;
    bool failed;
    const char *output; /* the compiler's own words, also warnings of what was built */
    const char *note; /* of ours, in front of the output; or NULL */
    struct buf words; /* the same, while they come */
};
int build_run(struct build *build, struct build_result **ret, struct err *err);

void build_fini(struct build *build);

/* The folder for all that outlives a run, absolute: $SEAM_CACHE, $XDG_CACHE_HOME/seam, ~/.cache/seam; a user
 * without a usable home gets one in $TMPDIR. NULL and words when none can be made. */
const char *build_cache(struct arena *arena, struct err *err);

/* ninja.c */
int ninja_write(struct build *build, struct err *err);
const char *build_object_folder(const struct build *build,
                                const struct source_package *package);

/* What is made of a file, all in one folder: "../src/orders.c" -> "..+src+orders.c" and `end`. */
const char *build_object(const struct build *build, const struct source_package *package,
                         const char *name, const char *end);

/* private_functions.c: see there. Returns whether another round of building may succeed. */
bool private_resolve(struct build *build, struct source_package *package,
                     const char *linker_output);
void private_load(struct build *build, struct source_package *package);
bool private_forget(struct build *build, struct source_package *package);
const char *private_link_flags(struct build *build, const struct source_package *package);

/* compile_commands.c */
int compile_commands_apply(struct build *build, struct err *err);
void compile_commands_write(struct build *build);

/* pkg_config.c: flags of the package's //seam:pkg-config lines; NULL after setting package->trouble. */
const char *pkg_config(struct build *build, struct source_package *package, const char *option);

/* Run a program, its output (both streams) into `output`; it ends with this process. `folder` and `setting`
 * ("NAME=value") may be NULL. Returns the wait status or -errno. */
int build_run_program(const char *const *argv, const char *folder, const char *setting,
                      struct buf *output);

/* Replace a file, unless it has that text already. */
int build_write_file(const char *path, const struct buf *text);

#endif
