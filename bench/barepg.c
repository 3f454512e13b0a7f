/*
 * bench/barepg.c - what PostgreSQL itself needs for what Seam does with it: libpq and nothing else.
 *
 *   barepg cold POSTGRES CLUSTER DATA             ms from the start of `cp -a` to the first answer
 *   barepg clone POSTGRES CLUSTER DATA SQL COUNT  ms of each CREATE DATABASE + connect, a line each;
 *                                                 the template is what the file SQL makes
 *   barepg serve POSTGRES CLUSTER DATA PROGRAM... run a program with BENCH_CONNINFO set
 *
 * The server runs on DATA, a copy of the data directory CLUSTER, and is gone afterwards; as root it
 * and `cp` run as nobody, who must own CLUSTER.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "base/buf.h"
#include "base/deadline.h"
#include "base/io.h"
#include "seam/attr.h"

enum { NOBODY = 65534, START_MS = 30000, SQL_MAX = 1 << 20 };

struct server {
    const char *postgres;
    const char *cluster;
    const char *data;
    pid_t pid; /* 0 while it does not run */
};

static struct server server;

static void stop(void)
{
    struct err err;

    if (server.pid > 0) {
        kill(server.pid, SIGQUIT);
        waitpid(server.pid, NULL, 0);
        server.pid = 0;
    }
    if (server.data && io_remove_tree(server.data, &err) < 0)
        fprintf(stderr, "barepg: %s\n", err.text);
}

SEAM_NORETURN static void die(const char *what, const char *words)
{
    fprintf(stderr, "barepg: %s: %s\n", what, words);
    stop();
    exit(1);
}

/* Start a program as the user that may run postgres; it ends with us. */
static pid_t start(char *const *argv, const char *output)
{
    pid_t pid = fork();
    int out;

    if (pid < 0)
        die("fork", strerror(errno));
    if (pid > 0)
        return pid;
    out = open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (out < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
        _exit(126);
    if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
        _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGQUIT); /* after setuid, which clears it */
    execvp(argv[0], argv);
    _exit(127);
}

static void copy_cluster(void)
{
    char *argv[] = { "cp", "-a", (char *)server.cluster, (char *)server.data, NULL };
    int status;

    if (waitpid(start(argv, "/dev/null"), &status, 0) < 0 || status != 0)
        die("cannot copy", server.cluster);
}

/* The postmaster writes a last line into its pid file when it takes connections. */
static bool is_ready(const char *pid_file)
{
    struct buf text = BUF_INIT(4096);
    bool ready = io_read_file(pid_file, &text) == 0 && strstr(buf_text(&text), "\nready");

    buf_fini(&text);
    return ready;
}

static void wait_ready(int changes, int process)
{
    uint64_t deadline = deadline_after_ms(START_MS);
    char pid_file[4096], bytes[4096];

    snprintf(pid_file, sizeof pid_file, "%s/postmaster.pid", server.data);
    while (!is_ready(pid_file)) {
        struct pollfd ready[] = { { .fd = changes, .events = POLLIN },
                                  { .fd = process, .events = POLLIN } };

        if (poll(ready, 2, deadline_poll_ms(deadline)) <= 0)
            die("postgres", "not ready after 30 s");
        if (ready[1].revents)
            die("postgres", "ended at its start");
        if (read(changes, bytes, sizeof bytes) < 0)
            die("inotify", strerror(errno));
    }
}

/* Start postgres on the copy. Its settings are in the cluster. */
static void start_server(void)
{
    char *data = (char *)server.data;
    char *argv[] = { (char *)server.postgres, "-D", data, "-k", data, NULL };
    int changes = inotify_init1(IN_CLOEXEC), process;

    if (changes < 0 || inotify_add_watch(changes, server.data, IN_CLOSE_WRITE) < 0)
        die("cannot watch the data directory", strerror(errno));
    server.pid = start(argv, "/dev/null");
    process = (int)syscall(SYS_pidfd_open, server.pid, 0);
    wait_ready(changes, process);
    close(process);
    close(changes);
}

static PGconn *connect_to(const char *database)
{
    char conninfo[4096];
    PGconn *connection;

    snprintf(conninfo, sizeof conninfo, "host=%s user=postgres dbname=%s", server.data,
             database);
    connection = PQconnectdb(conninfo);
    if (PQstatus(connection) != CONNECTION_OK)
        die("cannot connect", PQerrorMessage(connection));
    return connection;
}

static void execute(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        die(sql, PQerrorMessage(connection));
    PQclear(result);
}

static double ms_since(uint64_t start_ns)
{
    return (double)(now_ns() - start_ns) / 1e6;
}

static int cold(void)
{
    uint64_t begin = now_ns();
    PGconn *connection;

    copy_cluster();
    start_server();
    connection = connect_to("postgres");
    execute(connection, "SELECT 1");
    printf("%.4f\n", ms_since(begin));
    PQfinish(connection);
    return 0;
}

static void make_template(PGconn *admin, const char *sql_file)
{
    struct buf sql = BUF_INIT(SQL_MAX);
    PGconn *connection;

    if (io_read_file(sql_file, &sql) < 0)
        die("cannot read", sql_file);
    execute(admin, "CREATE DATABASE template_of_bench STRATEGY FILE_COPY");
    connection = connect_to("template_of_bench");
    execute(connection, buf_text(&sql));
    PQfinish(connection);
    buf_fini(&sql);
}

static int clone_times(const char *sql_file, int count)
{
    PGconn *admin;

    copy_cluster();
    start_server();
    admin = connect_to("postgres");
    make_template(admin, sql_file);
    for (int i = 0; i < count; i++) {
        char sql[128], name[32];
        uint64_t begin = now_ns();
        PGconn *connection;

        snprintf(name, sizeof name, "clone_%d", i);
        snprintf(sql, sizeof sql,
                 "CREATE DATABASE %s TEMPLATE template_of_bench STRATEGY FILE_COPY", name);
        execute(admin, sql);
        connection = connect_to(name);
        printf("%.4f\n", ms_since(begin));
        PQfinish(connection);
    }
    PQfinish(admin);
    return 0;
}

static int serve(char **argv)
{
    char conninfo[4096];
    int status;
    pid_t pid;

    copy_cluster();
    start_server();
    snprintf(conninfo, sizeof conninfo, "host=%s user=postgres dbname=postgres", server.data);
    pid = fork();
    if (pid == 0) {
        setenv("BENCH_CONNINFO", conninfo, 1);
        execvp(argv[0], argv);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
        die(argv[0], "failed");
    return 0;
}

int main(int argc, char **argv)
{
    const char *verb = argc > 4 ? argv[1] : "";
    int r = 2;

    if (argc > 4)
        server = (struct server){ .postgres = argv[2], .cluster = argv[3], .data = argv[4] };
    if (argc == 5 && strcmp(verb, "cold") == 0)
        r = cold();
    else if (argc == 7 && strcmp(verb, "clone") == 0)
        r = clone_times(argv[5], atoi(argv[6]));
    else if (argc > 5 && strcmp(verb, "serve") == 0)
        r = serve(argv + 5);
    else
        fputs("usage: barepg cold|clone|serve POSTGRES CLUSTER DATA ...\n", stderr);
    if (r == 0)
        stop();
    return r;
}
