/* fake/now.c - the time that doubles of the test's go by; see now.h. */

#include "fake/now.h"

#include <stdatomic.h>
#include <stddef.h>

#include "base/deadline.h"

static _Atomic uint64_t begin_ns; /* 0: nobody has asked */
static fake_now_fn *_Atomic set;

int64_t fake_now_ms(void)
{
    fake_now_fn *fn = set;
    uint64_t ns = now_ns(), none = 0;

    if (fn)
        return fn();
    atomic_compare_exchange_strong(&begin_ns, &none, ns);
    return (int64_t)((ns > begin_ns ? ns - begin_ns : 0) / 1000000u);
}

void fake_now_by(fake_now_fn *fn)
{
    set = fn;
}
