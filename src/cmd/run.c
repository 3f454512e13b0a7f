/* cmd/run.c - `seam run BINARY...`: run test programs that somebody else built. */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/session.h"

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Reports know a program by its base name, or as it was given where another has the same. */
static const char *name_of(const struct options *options, const char *argument)
{
    const char *base = base_of(argument);

    for (int i = 0; i < options->argument_count; i++)
        if (strcmp(base_of(options->arguments[i]), base) == 0 &&
            strcmp(options->arguments[i], argument) != 0)
            return argument;
    return base;
}

static bool was_named_before(const struct options *options, int number)
{
    for (int i = 0; i < number; i++)
        if (strcmp(options->arguments[i], options->arguments[number]) == 0)
            return true;
    return false;
}

static void add_program(struct run *run, const char *argument)
{
    char cwd[PATH_MAX];
    char *path = realpath(argument, NULL);
    const char *why = path ? NULL : strerror(errno);
    struct package *package;
    struct event begin = { .kind = EVENT_PACKAGE };

    package = run_add_package(run, name_of(run->options, argument),
                              getcwd(cwd, sizeof cwd) ? cwd : "/", path);
    package->again = argument;
    begin.package = text_of(package->name);
    run_emit(run, &begin);
    if (!path)
        run_package_ends(package, PACKAGE_SETUP_FAILED,
                         arena_printf(&run->arena, "no test program '%s': %s", argument, why));
    else if (access(path, X_OK) < 0)
        run_package_ends(package, PACKAGE_SETUP_FAILED,
                         arena_printf(&run->arena, "'%s' cannot be executed: %s", argument,
                                      strerror(errno)));
    free(path);
}

int command_run(int argc, char **argv)
{
    struct session session;
    int r = session_begin(&session, argc, argv);

    if (r != 0)
        return r;
    if (session.options.argument_count == 0) {
        fputs("seam: run: name the test programs, such as build/tests/*\n", stderr);
        return EXIT_USAGE;
    }
    for (int i = 0; i < session.options.argument_count; i++)
        if (!was_named_before(&session.options, i))
            add_program(&session.run, session.options.arguments[i]);
    return session_run(&session);
}
