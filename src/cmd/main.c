/* cmd/main.c - the program `seam`. */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "cmd/command.h"
#include "cmd/flags.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    { "test", command_test, "build the test programs of packages and run them" },
    { "run", command_run, "run test programs that were built already" },
    { "replay", command_replay, "print the report of a run that -events recorded" },
    { "services", command_services, "look at or end the services of running keepers" },
    { "pull", command_pull, "fetch the images that tests name, and pin them in seam.lock" },
    { "doctor", command_doctor, "say what works on this machine, and what mends the rest" },
    { "facts", command_facts, "list or check what is kept of real PostgreSQL servers" },
    { "version", command_version, "print the version" },
    { "help", command_help, "explain a command" },
};

static void show_usage(FILE *to)
{
    fputs("usage: seam COMMAND [flags] [words]\n\n", to);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
    fputs("\n`seam help COMMAND` explains one; the manual is seam(1)\n", to);
}

int command_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("seam " SEAM_VERSION);
    return 0;
}

/* Commands without flags of their own are explained by their line. */
static int show_topic(const char *topic)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, topic) == 0) {
            printf("seam %s: %s; see seam(1)\n", topic, commands[i].help);
            return 0;
        }
    fprintf(stderr,
            "seam: help: no topic '%s'; topics are the commands that `seam help` lists\n",
            topic);
    return EXIT_USAGE;
}

int command_help(int argc, char **argv)
{
    if (argc < 2) {
        show_usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "facts") == 0) {
        facts_help();
        return 0;
    }
    if (strcmp(argv[1], "test") != 0 && strcmp(argv[1], "run") != 0)
        return show_topic(argv[1]);
    printf("usage: seam %s [flags] %s\n\n%s\n\n", argv[1],
           strcmp(argv[1], "test") == 0 ? "[packages]" : "program...",
           strcmp(argv[1], "test") == 0 ? "A package is a folder with files such as "
                                          "orders_test.c; ./... means all below this one."
                                        : "Each program was linked with libseam.");
    flags_show(stdout);
    puts("\nExit status: 0 nothing failed, 1 a test failed, 2 wrong usage, 3 did not build, 4 "
         "a pattern\n"
         "matched nothing, 5 seam itself could not work.");
    return 0;
}

static bool asks_for_help(const char *word)
{
    return strcmp(word, "-h") == 0 || strcmp(word, "-help") == 0 || strcmp(word, "--help") == 0;
}

static int run_command(int argc, char **argv)
{
    const char *name = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];

    if (asks_for_help(name))
        return command_help(1, argv);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(name, commands[i].name) != 0)
            continue;
        if (argc > 2 && asks_for_help(argv[2]))
            return command_help(2, argv);
        return commands[i].run(argc - 1, argv + 1);
    }
    fprintf(stderr, "seam: unknown command '%s'; try: seam help\n", name);
    return EXIT_USAGE;
}

/* A program may be started without them. The first files that we open would get their numbers, and
 * reports and complaints would be written into those. */
static void open_standard_streams(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    io_close(&fd);
}

/* What nobody could read is no success. A reader that has gone knows that by itself. */
static int check_output(int code)
{
    bool said = ferror(stdout);

    if (fflush(stdout) == 0 && !said)
        return code;
    if (!said && errno != EPIPE)
        perror("seam: cannot write to stdout");
    return code == EXIT_PASSED ? EXIT_OWN_TROUBLE : code;
}

int main(int argc, char **argv)
{
    open_standard_streams();
    if (argc < 2) {
        show_usage(stderr);
        return EXIT_USAGE;
    }
    return check_output(run_command(argc, argv));
}
