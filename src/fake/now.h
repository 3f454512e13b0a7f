/*
 * fake/now.h - the time that doubles of the test's go by.
 *
 * Threads: any may ask; whoever sets it does so while nobody else sets it.
 */
#ifndef FAKE_NOW_H
#define FAKE_NOW_H

#include <stdint.h>

/* Milliseconds since the test began, on the machine's clock or by what was set. */
int64_t fake_now_ms(void);

/* Set by the test's clock: it goes on where fake_now_ms stood, and never goes back. NULL: the machine's again. */
typedef int64_t fake_now_fn(void);
void fake_now_by(fake_now_fn *fn);

#endif
