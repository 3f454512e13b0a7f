/*
 * typical.h - what one of many takes: the median of the means of each fifty that follow each other. A mean has in it
 * what comes now and then, such as memory that grows; the median leaves out when another process had the core.
 */
#ifndef BENCH_TYPICAL_H
#define BENCH_TYPICAL_H

#include <stdlib.h>

enum { TYPICAL_RUN = 50 };

static inline int typical_ascending(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return left < right ? -1 : left > right;
}

/* Overwrites them. */
static inline double typical(double *us, int count)
{
    int size = count < TYPICAL_RUN ? 1 : TYPICAL_RUN;
    int runs = count / size;

    for (int run = 0; run < runs; run++) {
        double sum = 0;

        for (int i = 0; i < size; i++)
            sum += us[run * size + i];
        us[run] = sum / size;
    }
    qsort(us, (size_t)runs, sizeof *us, typical_ascending);
    return us[runs / 2];
}

#endif
