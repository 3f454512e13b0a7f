/* cmd/doctor.c - `seam doctor`: what works on this machine, and the one command that mends each thing that does not. */

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/installation.h"
#include "service/doctor_line.h"

/* The first line that a shell's command prints; false when it fails. */
static bool first_line(const char *command, char *ret, size_t size)
{
    FILE *pipe = popen(command, "r");
    char rest[4096];

    *ret = '\0';
    if (!pipe)
        return false;
    if (!fgets(ret, (int)size, pipe))
        *ret = '\0';
    while (fgets(rest, sizeof rest, pipe))
        continue;
    ret[strcspn(ret, "\n")] = '\0';
    return pclose(pipe) == 0;
}

/* A package is compiled by it. $CC may be several words. */
static bool look_for_compiler(void)
{
    const char *compiler = getenv("CC"), *remedy = "correct or unset CC";
    char line[400];

    if (!compiler || !*compiler) {
        compiler = "cc";
        remedy = "apt-get install gcc libc6-dev";
    }
    if (!first_line("${CC:-cc} --version 2>/dev/null", line, sizeof line))
        return doctor_lacks("compiler", remedy, "'%s' cannot be run", compiler);
    if (!first_line("echo 'int main(void) { return 0; }' | ${CC:-cc} -x c -o /dev/null - 2>&1",
                    line, sizeof line))
        return doctor_lacks("compiler", remedy, "'%s' makes no program: %s", compiler, line);
    first_line("${CC:-cc} --version", line, sizeof line);
    return doctor_has("compiler", "'%s': %s", compiler, line);
}

static bool look_for_tool(const char *what, const char *command, const char *remedy,
                          const char *use)
{
    char line[400];

    if (!first_line(command, line, sizeof line))
        return doctor_lacks(what, remedy, "it is not here; %s", use);
    return doctor_has(what, "version %s", line);
}

/* Doubles run in the test's own process; what they link is asked of the linker. */
static bool look_for_doubles(void)
{
    char line[400];

    if (!first_line("echo 'int main(void) { return 0; }' | ${CC:-cc} -x c -o /dev/null - "
                    "-lssl -lcrypto -lcurl -lnghttp2 -lz 2>&1",
                    line, sizeof line))
        return doctor_lacks(
            "doubles",
            "apt-get install libssl-dev libcurl4-openssl-dev libnghttp2-dev zlib1g-dev",
            "in the test's process: tests with HTTP or PostgreSQL doubles cannot be linked: %s",
            line);
    return doctor_has("doubles", "in the test's process: HTTP, PostgreSQL, message brokers");
}

/* What is started for tests is found by the program that starts it. */
static bool look_for_services(void)
{
    struct arena arena = { NULL };
    struct installation installation = { 0 };
    struct err err = { "" };
    char path[4096], *argv[] = { path, (char *)"--doctor", NULL };
    int status = -1;
    pid_t pid;

    if (installation_find(&arena, &installation, &err) < 0) {
        arena_fini(&arena);
        return doctor_lacks("services", "tools/build", "%s", err.text);
    }
    snprintf(path, sizeof path, "%s/services", installation.libexec);
    arena_fini(&arena);
    fflush(stdout);
    if (posix_spawn(&pid, path, NULL, NULL, argv, environ) == 0)
        waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) <= 1)
        return WEXITSTATUS(status) == 0;
    return doctor_lacks("services",
                        "apt-get install libpq5 libhiredis0.14 libcurl4 libjansson4",
                        "'%s' cannot be run: no server can be started for tests", path);
}

int command_doctor(int argc, char **argv)
{
    bool well;

    if (argc > 1) {
        fprintf(stderr, "seam: doctor: unknown word '%s'; it takes none\n", argv[1]);
        return EXIT_USAGE;
    }
    well = look_for_compiler() && look_for_doubles();
    well &= look_for_tool("ninja", "ninja --version 2>/dev/null", "apt-get install ninja-build",
                          "without it nothing is built");
    well &= look_for_tool("pkg-config", "pkg-config --version 2>/dev/null",
                          "apt-get install pkg-config",
                          "packages with //seam:pkg-config are not built");
    well &= look_for_services();
    return well ? EXIT_PASSED : EXIT_TEST_FAILED;
}
