/* cmd/test.c - `seam test [flags] [packages]`: build the packages' test programs and run them. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "cmd/command.h"
#include "cmd/session.h"
#include "runner/build.h"

/* ---- -c and -gdb end before anything runs here */

static int copy_program(const char *from, const char *to)
{
    struct buf content = BUF_INIT(1u << 31);
    int r = io_read_file(from, &content);

    if (r == 0)
        r = io_write_file(to, content.data, content.size);
    if (r == 0 && chmod(to, 0755) < 0)
        r = -errno;
    buf_fini(&content);
    return r;
}

static int keep_program(const struct session *session, const struct build *build)
{
    const char *from = build_binary(build, build->packages);
    const char *to = session->options.output ? session->options.output : strrchr(from, '/') + 1;
    int r;

    if (build->packages->next) {
        fputs("seam: -c: name one package\n", stderr);
        return EXIT_USAGE;
    }
    r = copy_program(from, to);
    if (r < 0)
        fprintf(stderr, "seam: -o: cannot write '%s': %s\n", to, strerror(-r));
    return r < 0 ? EXIT_OWN_TROUBLE : EXIT_PASSED;
}

static int run_gdb(const struct session *session, const struct build *build)
{
    const char *program = build_binary(build, build->packages);
    const char *argv[10] = { "gdb", "-q", "--args", program, "--seam-alone", "-v" };
    int count = 6;

    if (build->packages->next) {
        fputs("seam: -gdb: name one package\n", stderr);
        return EXIT_USAGE;
    }
    if (session->options.run) {
        argv[count++] = "-run";
        argv[count++] = session->options.run;
    }
    sigprocmask(SIG_SETMASK, &session->run.signals_before, NULL);
    if (chdir(build->packages->folder) == 0)
        execvp(argv[0], (char *const *)argv);
    fprintf(stderr, "seam: cannot start gdb: %s\n    try: apt-get install gdb\n",
            strerror(errno));
    return EXIT_OWN_TROUBLE;
}

/* ---- from built packages to a run */

static void say_output(struct run *run, const struct package *package, const char *output)
{
    struct event event = { .kind = EVENT_BUILD_OUTPUT,
                           .package = text_of(package->name),
                           .text = text_of(output) };

    if (*output)
        run_emit(run, &event);
}

static const struct build_result *result_of(const struct build_result *results,
                                            const struct source_package *source)
{
    while (results && results->package != source)
        results = results->next;
    return results;
}

static void add_package(struct session *session, const struct build *build,
                        const struct build_result *results, const struct source_package *source)
{
    struct run *run = &session->run;
    const struct build_result *result = result_of(results, source);
    struct package *package = run_add_package(run, source->name, source->folder,
                                              result ? build_binary(build, source) : NULL);
    struct event begin = { .kind = EVENT_PACKAGE, .package = text_of(package->name) };

    package->again = source->argument;
    run_emit(run, &begin);
    if (source->trouble) {
        run->any_build_failed = true;
        run_package_ends(package, PACKAGE_SETUP_FAILED, source->trouble);
    } else if (!result)
        run_package_ends(package, PACKAGE_NO_TEST_FILES, NULL);
    else {
        say_output(run, package, result->output);
        if (result->failed)
            run_package_ends(package, PACKAGE_BUILD_FAILED, NULL);
    }
}

static int build_packages(struct session *session, struct build *build,
                          struct build_result **results)
{
    const struct options *o = &session->options;
    struct err err;

    *build = (struct build){ .arena = &session->run.arena,
                             .options = o,
                             .installation = &session->installation };
    if (discover(build->arena, o->arguments, o->argument_count, &build->packages, &err) < 0) {
        fprintf(stderr, "seam: %s\n", err.text);
        return EXIT_USAGE;
    }
    if (!build->packages) {
        fputs("seam: no package matches; a package is a folder with C or C++ files\n", stderr);
        return EXIT_USAGE;
    }
    if (build_init(build, &err) < 0) {
        fprintf(stderr, "seam: %s\n", err.text);
        return EXIT_OWN_TROUBLE;
    }
    build_prepare(build);
    if (build_run(build, results, &err) < 0) {
        fprintf(stderr, "seam: build: %s\n", err.text);
        return EXIT_OWN_TROUBLE;
    }
    return 0;
}

static bool any_failed(const struct build_result *results)
{
    for (; results; results = results->next)
        if (results->failed)
            return true;
    return false;
}

int command_test(int argc, char **argv)
{
    struct build_result *results = NULL;
    struct session session;
    struct build build;
    int r = session_begin(&session, argc, argv);

    if (r != 0)
        return r;
    r = build_packages(&session, &build, &results);
    if (r == 0 && session.options.gdb && !any_failed(results))
        r = run_gdb(&session, &build);
    else if (r == 0 && session.options.compile_only && results && !any_failed(results))
        r = keep_program(&session, &build);
    else if (r == 0) {
        for (struct source_package *source = build.packages; source; source = source->next)
            add_package(&session, &build, results, source);
        build_fini(&build);
        return session_run(&session);
    }
    build_fini(&build);
    return r;
}
