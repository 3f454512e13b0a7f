/* link/time_real.c - the functions behind the hooks for time; see time_real.h. */

#include "link/time_real.h"

#include <dlfcn.h>
#include <errno.h>

#include "base/deadline.h"

struct link_time_real link_time_real_table;

/* A sanitizer's own entry; see real.c. */
#ifdef LINK_SHIM
#define INTERCEPTOR(name) NULL
#else
#define INTERCEPTOR(name) __interceptor_##name
#define LINK_INTERCEPTOR(type, name, parameters)                                               \
    extern type __interceptor_##name parameters __attribute__((weak));
LINK_TIME_HOOKS(LINK_INTERCEPTOR)
#undef LINK_INTERCEPTOR
#endif

/* What Seam waits for and measures itself does not go by a test's clock. */
static void set_machine(void)
{
    machine = (struct machine){ .clock_gettime = link_time_real_table.clock_gettime,
                                .poll = link_time_real_table.poll,
                                .epoll_wait = link_time_real_table.epoll_wait,
                                .cond_timedwait = link_time_real_table.pthread_cond_timedwait,
                                .cond_clockwait = link_time_real_table.pthread_cond_clockwait };
}

/* `clock_gettime` is set last: link_time_real() looks at it alone. */
__attribute__((constructor(101))) void link_time_real_resolve(void)
{
    struct link_time_real real = { 0 };
    int (*last)(clockid_t, struct timespec *);
    int saved = errno;

#define LINK_RESOLVE(type, name, parameters)                                                   \
    real.name = INTERCEPTOR(name);                                                             \
    if (!real.name)                                                                            \
        *(void **)&real.name = dlsym(RTLD_NEXT, #name);
    LINK_TIME_HOOKS(LINK_RESOLVE)
#undef LINK_RESOLVE
    if (!real.clock_gettime)
        link_time_resolve_static(&real);
    last = real.clock_gettime;
    real.clock_gettime = NULL;
    link_time_real_table = real;
    __atomic_store_n(&link_time_real_table.clock_gettime, last, __ATOMIC_RELEASE);
    set_machine();
    errno = saved;
}
