/* cmd/test.c - `seam test [flags] [packages]`: build the packages' test programs and run them. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/proc.h"
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
    int r = copy_program(from, to);

    if (r < 0)
        fprintf(stderr, "seam: -o: cannot write '%s': %s\n", to, strerror(-r));
    return r < 0 ? EXIT_OWN_TROUBLE : EXIT_PASSED;
}

static int run_gdb(const struct session *session, const struct build *build)
{
    const char *program = build_binary(build, build->packages);
    static const char *const nets[] = { "-net=deny", "-net=warn", "-net=allow" };
    static const char *const hooks[] = { "-hooks=on", "-hooks=off" };
    const char *argv[12] = { "gdb",
                             "-q",
                             "--args",
                             program,
                             "--seam-alone",
                             "-v",
                             nets[session->options.net],
                             hooks[session->options.hooks] };
    int count = 8;

    if (session->options.run) {
        argv[count++] = "-run";
        argv[count++] = session->options.run;
    }
    proc_signals_for_exec(&session->run.signals_before);
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

static int complain(int code, const char *what, const char *words)
{
    fprintf(stderr, "seam: %s%s\n", what, words);
    return code;
}

static int find_packages(const struct session *session, struct build *build)
{
    const struct options *options = &session->options;
    struct err err;

    if (discover(build->arena, options->arguments, options->argument_count, &build->packages,
                 &err) < 0)
        return complain(EXIT_USAGE, "", err.text);
    if (!build->packages)
        return complain(EXIT_USAGE, "",
                        "no package matches; a package is a folder with C or C++ files");
    if (build->packages->next && (options->compile_only || options->gdb))
        return complain(EXIT_USAGE, options->gdb ? "-gdb: " : "-c: ", "name one package");
    return 0;
}

static int build_all(struct build *build, struct build_result **results)
{
    struct err err;

    if (build_init(build, &err) < 0)
        return complain(EXIT_OWN_TROUBLE, "", err.text);
    if (build_prepare(build, &err) < 0)
        return complain(EXIT_USAGE, "", err.text);
    if (build_run(build, results, &err) < 0)
        return complain(EXIT_OWN_TROUBLE, "build: ", err.text);
    return 0;
}

/* Nothing has a result yet, so that a signal may end all of it at once. */
static int build_packages(struct build *build, struct build_result **results)
{
    sigset_t before, ending;
    int r;

    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    sigprocmask(SIG_UNBLOCK, &ending, &before);
    r = build_all(build, results);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return r;
}

static bool any_failed(const struct build_result *results)
{
    for (; results; results = results->next)
        if (results->failed)
            return true;
    return false;
}

static int run_packages(struct session *session, struct build *build,
                        const struct build_result *results)
{
    for (const struct source_package *source = build->packages; source; source = source->next)
        add_package(session, build, results, source);
    build_fini(build);
    return session_run(session);
}

int command_test(int argc, char **argv)
{
    struct build_result *results = NULL;
    struct session session;
    struct build build;
    bool built;
    int r = session_begin(&session, argc, argv);

    if (r != 0)
        return r;
    build = (struct build){ .arena = &session.run.arena,
                            .options = &session.options,
                            .installation = &session.installation,
                            .cache = session.run.cache,
                            .lock = -1 };
    r = find_packages(&session, &build);
    if (r == 0)
        r = build_packages(&build, &results);
    built = results && !any_failed(results);
    if (r == 0 && built && session.options.gdb)
        r = run_gdb(&session, &build);
    else if (r == 0 && built && session.options.compile_only)
        r = keep_program(&session, &build);
    else if (r == 0)
        return run_packages(&session, &build, results);
    build_fini(&build);
    return r;
}
