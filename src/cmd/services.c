/* cmd/services.c - `seam services ls|logs|down|prune`: look at or end the services of running keepers. */

#include <dirent.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/io.h"
#include "base/message.h"
#include "cmd/command.h"
#include "cmd/installation.h"
#include "service/clean.h"

enum { ANSWER_MS = 5000, END_MS = 30000, LOG_LINES = 50 };

/* What to do with each keeper: the request, and what its answer means. */
struct question {
    const char *verb;
    const char *name; /* of a service or a run; NULL: any */
    const char *run; /* ask that one only; NULL: all */
    int lines;
    bool (*answer)(const struct message *answer, const char *run);
    int answers;
};

static int ask(const char *path, const struct question *question, struct buf *bytes,
               struct message *ret)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct buf request = BUF_INIT(8192);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t begin = message_begin(&request);
    int r = -1;

    message_add_text(&request, "verb", question->verb);
    message_add_text(&request, "name", question->name);
    message_add_int(&request, "lines", question->lines);
    message_end(&request, begin);
    if (strlen(path) < sizeof address.sun_path) {
        memcpy(address.sun_path, path, strlen(path));
        if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
            message_send(fd, &request) == 0)
            r = message_receive(fd, bytes, deadline_after_ms(ANSWER_MS), ret);
        if (r == 0) /* what is ended has ended when the keeper hangs up */
            io_wait(fd, POLLIN, deadline_after_ms(END_MS));
    }
    io_close(&fd);
    buf_fini(&request);
    return r;
}

/* Ask the keepers whose folders lie in `parent`, but only those that have services: the others would
 * become `services` just to answer. */
static void ask_all(const char *parent, struct question *question)
{
    DIR *entries = parent ? opendir(parent) : NULL;
    struct dirent *entry;

    while (entries && (entry = readdir(entries))) {
        struct buf bytes = BUF_INIT(MESSAGE_MAX);
        struct message answer;
        char path[4096];

        if (strncmp(entry->d_name, "seam-", 5) != 0)
            continue;
        if (question->run && strcmp(entry->d_name + 5, question->run) != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s/" CLEAN_SERVICES, parent, entry->d_name);
        if (access(path, F_OK) < 0)
            continue;
        snprintf(path, sizeof path, "%s/%s/keeper", parent, entry->d_name);
        if (ask(path, question, &bytes, &answer) == 0 &&
            question->answer(&answer, entry->d_name + 5))
            question->answers++;
        buf_fini(&bytes);
    }
    if (entries)
        closedir(entries);
}

static void ask_everywhere(struct question *question)
{
    const char *temporary = getenv("TMPDIR");

    ask_all("/dev/shm", question);
    ask_all(temporary && *temporary ? temporary : "/tmp", question);
}

/* ---- answers */

static bool show_list(const struct message *answer, const char *run)
{
    struct message key, value;
    size_t at = 0;
    bool any = false;

    while (message_next(answer, &at, &key, &value) == 1) {
        if (key.size == 4 && memcmp(key.data, "name", 4) == 0)
            printf("%s%s\t%.*s", any ? "\n" : "", run, (int)value.size, value.data);
        else if (key.size != 2 || memcmp(key.data, "ok", 2) != 0)
            printf("\t%.*s %.*s", (int)key.size, key.data, (int)value.size, value.data);
        any |= key.size == 4;
    }
    if (any)
        putchar('\n');
    return any;
}

static bool show_log(const struct message *answer, const char *run)
{
    char *log = message_text(answer, "log");

    (void)run;
    if (log)
        fputs(log, stdout);
    free(log);
    return log != NULL;
}

static bool show_end(const struct message *answer, const char *run)
{
    if (message_int(answer, "goes_on", 0) != 0)
        printf("run %s goes on, and its services with it; try: seam services down %s\n", run,
               run);
    else
        printf("ended the services of run %s\n", run);
    return true;
}

/* Containers of dead runs, where there is a Docker daemon. */
static void sweep_containers(void)
{
    struct arena arena = { NULL };
    struct installation installation = { 0 };
    char path[4096];
    char *argv[] = { path, (char *)"--sweep", NULL };
    pid_t pid;

    if (installation_find(&arena, &installation, NULL) == 0) {
        snprintf(path, sizeof path, "%s/services", installation.libexec);
        if (posix_spawn(&pid, path, NULL, NULL, argv, environ) == 0)
            waitpid(pid, NULL, 0);
    }
    arena_fini(&arena);
}

int command_services(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "ls";
    struct question list = { .verb = "services.list", .answer = show_list };
    struct question logs = { .verb = "services.logs",
                             .answer = show_log,
                             .lines = LOG_LINES,
                             .name = argc > 2 ? argv[2] : NULL };
    struct question down = { .verb = "services.down",
                             .answer = show_end,
                             .name = argc > 2 ? argv[2] : NULL,
                             .run = argc > 2 ? argv[2] : NULL };

    if (strcmp(what, "prune") == 0) {
        printf("removed what %d dead runs had left\n", clean_sweep(NULL));
        fflush(stdout);
        sweep_containers();
        return EXIT_PASSED;
    }
    if (strcmp(what, "ls") == 0)
        ask_everywhere(&list);
    else if (strcmp(what, "down") == 0)
        ask_everywhere(&down);
    else if (strcmp(what, "logs") == 0 && logs.name) {
        ask_everywhere(&logs);
        if (logs.answers == 0)
            fprintf(stderr,
                    "seam: services logs: no running service is named '%s'; try: seam services "
                    "ls\n",
                    logs.name);
        return logs.answers > 0 ? EXIT_PASSED : EXIT_TEST_FAILED;
    } else {
        fputs("seam: services: say ls, logs NAME, down [RUN] or prune\n", stderr);
        return EXIT_USAGE;
    }
    if (list.answers + down.answers == 0 && down.run)
        printf("no run '%s' has services\n", down.run);
    else if (list.answers + down.answers == 0)
        puts("no services are running");
    return EXIT_PASSED;
}
