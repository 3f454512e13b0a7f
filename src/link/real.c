/* link/real.c - the functions behind the hooks; see real.h. */

#include "link/real.h"

#include <dlfcn.h>
#include <errno.h>

struct link_real link_real_table;

/* A sanitizer's own entry, where its run-time is in the process. Not in the shim: it stands between a run-time
 * that is linked into the program, which calls it, and one that is a library, which is the next. */
#ifdef LINK_SHIM
#define INTERCEPTOR(name) NULL
#else
#define INTERCEPTOR(name) __interceptor_##name
#define LINK_INTERCEPTOR(type, name, parameters)                                               \
    extern type __interceptor_##name parameters __attribute__((weak));
LINK_NET_HOOKS(LINK_INTERCEPTOR)
LINK_FILE_HOOKS(LINK_INTERCEPTOR)
#undef LINK_INTERCEPTOR
#endif

/* `connect` is set last: link_real() looks at it alone. */
__attribute__((constructor(101))) void link_real_resolve(void)
{
    struct link_real real = { 0 };
    int (*last)(int, const struct sockaddr *, socklen_t);
    int saved = errno;

#define LINK_RESOLVE(type, name, parameters)                                                   \
    real.name = INTERCEPTOR(name);                                                             \
    if (!real.name)                                                                            \
        *(void **)&real.name = dlsym(RTLD_NEXT, #name);
    LINK_NET_HOOKS(LINK_RESOLVE)
    LINK_FILE_HOOKS(LINK_RESOLVE)
#undef LINK_RESOLVE
    if (!real.connect)
        link_resolve_static(&real);
    last = real.connect;
    real.connect = NULL;
    link_real_table = real;
    __atomic_store_n(&link_real_table.connect, last, __ATOMIC_RELEASE);
    errno = saved;
}
