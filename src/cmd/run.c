/* cmd/run.c - `seam run BINARY...`: run test programs that somebody else built. */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/session.h"

static void add_program(struct run *run, const char *argument)
{
    const char *slash = strrchr(argument, '/');
    char cwd[PATH_MAX];
    char *path = realpath(argument, NULL);
    struct package *package;
    struct event begin = { .kind = EVENT_PACKAGE };

    package = run_add_package(run, slash ? slash + 1 : argument,
                              getcwd(cwd, sizeof cwd) ? cwd : "/", path);
    package->again = argument;
    begin.package = text_of(package->name);
    run_emit(run, &begin);
    if (!path)
        run_package_ends(package, PACKAGE_SETUP_FAILED,
                         arena_printf(&run->arena, "no test program '%s'", argument));
    else if (access(path, X_OK) < 0)
        run_package_ends(package, PACKAGE_SETUP_FAILED,
                         arena_printf(&run->arena, "'%s' cannot be executed", argument));
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
        add_program(&session.run, session.options.arguments[i]);
    return session_run(&session);
}
