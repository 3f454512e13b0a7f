/*
 * bench/barepq.c - what libpq by itself takes for a query that is answered in its own send().
 *
 *   barepq COUNT    microseconds for each of COUNT queries with an argument on one session; see typical.h
 *
 * The limit of a double: the program's libpq, a socketpair, a fixed answer, and nothing that looks at the
 * statement.
 */

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/deadline.h"
#include "seam/attr.h"
#include "typical.h"

enum { SSL_REQUEST_SIZE = 8 };

static int ends[2] = { -1, -1 }; /* the client's and ours */
static bool started;

/* Whole messages, each: type, length, body. */
#define WORDS(text) text, sizeof(text) - 1
static const char greeting[] = "R\0\0\0\10\0\0\0\0"
                               "S\0\0\0\31client_encoding\0UTF8\0"
                               "S\0\0\0\31server_version\00015.20\0"
                               "K\0\0\0\14\0\0\0\1\0\0\0\2"
                               "Z\0\0\0\5I";
static const char answer[] = "1\0\0\0\4"
                             "2\0\0\0\4"
                             "T\0\0\0\62\0\2"
                             "id\0\0\0\0\0\0\0\0\0\0\27\0\4\377\377\377\377\0\0"
                             "name\0\0\0\0\0\0\0\0\0\0\31\377\377\377\377\377\377\0\0"
                             "D\0\0\0\25\0\2\0\0\0\1"
                             "7\0\0\0\6Gopher"
                             "C\0\0\0\15SELECT 1\0"
                             "Z\0\0\0\5I";

SEAM_NORETURN static void die(const char *what)
{
    fprintf(stderr, "barepq: %s\n", what);
    exit(1);
}

static void say(const char *words, size_t size)
{
    if (write(ends[1], words, size) != (ssize_t)size)
        die("the socketpair is full");
}

/* ---- what libpq calls instead of libc */

ssize_t send(int fd, const void *data, size_t size, int flags)
{
    static ssize_t (*libc_send)(int, const void *, size_t, int);

    if (fd == ends[0] && started) {
        say(WORDS(answer));
        return (ssize_t)size;
    }
    if (fd == ends[0]) {
        started = size != SSL_REQUEST_SIZE;
        if (started)
            say(WORDS(greeting));
        else
            say("N", 1);
        return (ssize_t)size;
    }
    if (!libc_send)
        *(void **)&libc_send = dlsym(RTLD_NEXT, "send");
    return libc_send(fd, data, size, flags);
}

/* The client's descriptor becomes an end of a socketpair. */
int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t size)
{
    int pair[2], flags = fcntl(fd, F_GETFL);

    (void)address;
    (void)size;
    if (ends[0] >= 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        die("the session was not kept");
    dup2(pair[0], fd);
    close(pair[0]);
    fcntl(fd, F_SETFL, flags);
    ends[0] = fd;
    ends[1] = pair[1];
    return 0;
}

/* ---- */

static double query(PGconn *connection, int number)
{
    uint64_t begin = now_ns();
    char text[16];
    const char *value = text;
    PGresult *rows;

    snprintf(text, sizeof text, "%d", number);
    rows = PQexecParams(connection, "SELECT id, name FROM users WHERE id = $1", 1, NULL, &value,
                        NULL, NULL, 0);
    if (PQntuples(rows) != 1 || strcmp(PQgetvalue(rows, 0, 0), "7") != 0 ||
        strcmp(PQgetvalue(rows, 0, 1), "Gopher") != 0)
        die(PQerrorMessage(connection));
    PQclear(rows);
    return (double)(now_ns() - begin) / 1e3;
}

int main(int argc, char **argv)
{
    int count = argc == 2 ? atoi(argv[1]) : 0;
    double *us = calloc((size_t)count + 1, sizeof *us);
    PGconn *connection = PQconnectdb("host=127.0.0.1 user=bench dbname=bench");

    if (count < 1 || !us)
        die("usage: barepq COUNT");
    if (PQstatus(connection) != CONNECTION_OK)
        die(PQerrorMessage(connection));
    for (int i = -count / 10; i < count; i++)
        us[i < 0 ? 0 : i] = query(connection, i);
    printf("%.3f\n", typical(us, count));
    PQfinish(connection);
    free(us);
    return 0;
}
