/* fake/now.c - the time that doubles of the test's go by; see now.h. */

#include "fake/now.h"

#include <stdatomic.h>
#include <stddef.h>

#include "base/deadline.h"
#include "test/t.h"

static fake_now_fn *_Atomic set;

int64_t fake_now_ms(void)
{
    fake_now_fn *fn = set;

    return fn ? fn() : (int64_t)((now_ns() - t_begin_ns()) / 1000000u);
}

void fake_now_by(fake_now_fn *fn)
{
    set = fn;
}
