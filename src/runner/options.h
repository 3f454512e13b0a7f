/* runner/options.h - what the command line asked for; zero is the default of each field. */
#ifndef RUNNER_OPTIONS_H
#define RUNNER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum isolate { ISOLATE_FORK, ISOLATE_EXEC, ISOLATE_NONE };
enum leaks { LEAKS_WARN, LEAKS_OFF, LEAKS_FAIL };
enum services { SERVICES_AUTO, SERVICES_NATIVE, SERVICES_DOCKER };
enum net { NET_DENY, NET_WARN, NET_ALLOW };
enum hooks { HOOKS_ON, HOOKS_OFF };

struct options {
    bool verbose;
    bool json;
    bool short_run;
    bool fail_fast;
    bool race;
    bool asan;
    bool no_skip;
    bool keep;
    bool update;
    bool verify;
    bool gdb;
    bool compile_only;
    bool shuffle;
    uint64_t shuffle_seed; /* 0: of the clock */
    int seed; /* of identities; 0: none given */
    int count; /* 1 when not given */
    int parallel; /* tests at once in the run */
    int jobs; /* -p: compilers at once */
    int64_t timeout_ms; /* of the run; 0: none */
    int reuse_s;
    enum isolate isolate;
    enum leaks leaks;
    enum services services;
    enum net net; /* what an outgoing connection is that nobody allowed */
    enum hooks hooks;
    const char *run; /* patterns; NULL: all */
    const char *skip;
    const char *list; /* print the names that match, run nothing */
    const char *tags;
    const char *output; /* -o */
    const char *exec; /* words put in front of each program */
    const char *events; /* -events FILE */
    const char *build; /* folder of compile_commands.json */
    const char *artifacts;
    const char **arguments; /* package patterns or programs */
    int argument_count;
    bool is_run; /* `seam run`, not `seam test` */
    bool from_program; /* started by a test program itself */
};

#endif
