/*
 * figure.h - what the tests of a bench share: a clock, a median, and where figures go.
 */
#ifndef BENCH_FIGURE_H
#define BENCH_FIGURE_H

#include <seam/seam.h>

double now_us(void);

/* Sorts them. */
double median(double *numbers, int count);

/* $BENCH_COUNT, 10 without, but `most` at most. */
int count_of(int most);

/* Append it to the file `name` in the folder $BENCH_FIGURES, in one write: tests run side by side. Without the
 * folder it is thrown away. */
void figure(seam_t *t, const char *name, double number);

#endif
