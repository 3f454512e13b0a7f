/* figure.c - what the tests of a bench share; see figure.h. */

#include "figure.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return left < right ? -1 : left > right;
}

double median(double *numbers, int count)
{
    qsort(numbers, (size_t)count, sizeof *numbers, ascending);
    return numbers[count / 2];
}

int count_of(int most)
{
    const char *words = getenv("BENCH_COUNT");
    int count = words ? atoi(words) : 10;

    return count < most ? count : most;
}

void figure(seam_t *t, const char *name, double number)
{
    const char *folder = getenv("BENCH_FIGURES");
    const char *line = seam_format(t, "%.4f\n", number);
    int fd;

    if (!folder)
        return;
    fd = open(seam_path(t, "%s/%s", folder, name), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
              0644);
    seam_require(t, fd >= 0);
    seam_check_eq(t, write(fd, line, strlen(line)), (ssize_t)strlen(line));
    close(fd);
}
