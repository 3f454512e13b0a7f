/* testdata/crasher.c - a program that dies in the way that its argument names. */

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int *volatile nowhere;
static volatile int zero;

static void writes(void)
{
    *nowhere = 1;
}

static void *worker(void *arg)
{
    (void)arg;
    writes();
    return NULL;
}

static void in_thread(void)
{
    pthread_t thread;

    pthread_create(&thread, NULL, worker, NULL);
    pthread_join(thread, NULL);
}

static int deeper(int depth)
{
    volatile char room[4096];

    room[depth % 4096] = (char)depth;
    return (zero ? 0 : deeper(depth + 1)) + room[0];
}

static void overflows(void)
{
    zero = deeper(0);
}

static void divides(void)
{
    zero = 7 / zero;
}

static void in_fork(void)
{
    int status;

    if (fork() == 0)
        writes();
    wait(&status);
    exit(WTERMSIG(status));
}

static void again_and_again(void)
{
    for (int i = 0; i < 12; i++) {
        if (fork() == 0)
            writes();
        wait(NULL);
    }
}

static void in_program(void)
{
    int status;

    if (fork() == 0)
        execl("/proc/self/exe", "other", "writes", (char *)NULL);
    wait(&status);
    exit(WTERMSIG(status) == SIGSEGV ? 0 : 1);
}

static void leave(int number)
{
    _exit(number);
}

static void handles(void)
{
    signal(SIGSEGV, leave);
    writes();
}

static void let_it(int number)
{
    signal(number, SIG_DFL);
}

static void handles_and_dies(void)
{
    signal(SIGSEGV, let_it);
    writes();
}

static struct sigaction before;

static void go_on(int number, siginfo_t *info, void *context)
{
    if (before.sa_flags & SA_SIGINFO)
        before.sa_sigaction(number, info, context);
}

static void handles_first(void)
{
    struct sigaction action = { .sa_sigaction = go_on, .sa_flags = SA_SIGINFO };

    sigaction(SIGSEGV, &action, &before);
    writes();
}

static void without_descriptors(void)
{
    closefrom(0);
    writes();
}

/* A child that nobody of the program started would be seen here. */
static void tell_child(int number)
{
    (void)number;
    _exit(99);
}

static void listens_to_children(void)
{
    signal(SIGCHLD, tell_child);
    in_thread();
}

static void reads(void)
{
    puts("reads");
    fflush(stdout);
    getchar();
}

static const struct {
    const char *name;
    void (*run)(void);
} ways[] = {
    { "writes", writes },
    { "aborts", abort },
    { "divides", divides },
    { "overflows", overflows },
    { "in_thread", in_thread },
    { "in_fork", in_fork },
    { "again_and_again", again_and_again },
    { "in_program", in_program },
    { "handles", handles },
    { "handles_and_dies", handles_and_dies },
    { "handles_first", handles_first },
    { "without_descriptors", without_descriptors },
    { "listens_to_children", listens_to_children },
    { "reads", reads },
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof ways / sizeof *ways; i++)
        if (strcmp(argv[1], ways[i].name) == 0)
            ways[i].run();
    return 0;
}
