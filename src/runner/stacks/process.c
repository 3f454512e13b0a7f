/* runner/stacks/process.c - what is mapped in a process, for libdw; see process.h. */

#include "runner/stacks/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base_name.h"

/* libdwfl asks for files late and without a word from us: hence this is kept here. */
static char executable[64];

bool process_is_runtime(const char *module_name)
{
    static const char *const prefix[] = { "libc.",   "libc-",   "ld-",     "libpthread",
                                          "[vdso",   "libasan", "libtsan", "libubsan",
                                          "liblsan", "libgcc_s" };

    for (size_t i = 0; i < sizeof prefix / sizeof *prefix; i++)
        if (strncmp(module_name, prefix[i], strlen(prefix[i])) == 0)
            return true;
    return false;
}

Dwfl_Module *process_module(Dwfl *dwfl, uint64_t address)
{
    Dwfl_Module *module = dwfl_addrmodule(dwfl, address);
    GElf_Addr start, end;

    if (!module)
        return NULL;
    dwfl_module_info(module, NULL, &start, &end, NULL, NULL, NULL, NULL);
    return address >= start && address < end ? module : NULL;
}

const char *process_module_name(Dwfl_Module *module)
{
    return base_name(dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
}

/* The run-time's functions are shown by their public names only, so its separate debug files,
 * large and seldom installed, are not even looked for. */
static int find_debuginfo(Dwfl_Module *module, void **user_data, const char *name,
                          Dwarf_Addr base, const char *file, const char *link,
                          GElf_Word checksum, char **ret)
{
    if (process_is_runtime(base_name(name)))
        return -1;
    return dwfl_standard_find_debuginfo(module, user_data, name, base, file, link, checksum,
                                        ret);
}

/* A program that was built anew while it ran is no longer at its path, but the kernel still has
 * it. */
static int find_elf(Dwfl_Module *module, void **user_data, const char *name, Dwarf_Addr base,
                    char **ret_file, Elf **ret_elf)
{
    char path[PATH_MAX];
    ssize_t size = readlink(executable, path, sizeof path - 1);

    path[size < 0 ? 0 : size] = '\0';
    if (strcmp(path, name) != 0)
        return dwfl_linux_proc_find_elf(module, user_data, name, base, ret_file, ret_elf);
    *ret_file = strdup(name); /* beside it separate debug information is looked for */
    return open(executable, O_RDONLY | O_CLOEXEC);
}

static const Dwfl_Callbacks callbacks = {
    .find_elf = find_elf,
    .find_debuginfo = find_debuginfo,
};

int process_open(Dwfl **ret, pid_t pid, struct err *err)
{
    Dwfl *dwfl = dwfl_begin(&callbacks);
    int r;

    snprintf(executable, sizeof executable, "/proc/%d/exe", (int)pid);
    if (!dwfl)
        return err_set(err, -ENOMEM, "%s", dwfl_errmsg(-1));
    r = dwfl_linux_proc_report(dwfl, pid); /* a positive errno, or -1 for an error of libdwfl */
    if (r == 0 && dwfl_report_end(dwfl, NULL, NULL) == 0) {
        *ret = dwfl;
        return 0;
    }
    if (r == ENOENT)
        r = ESRCH;
    if (r > 0)
        err_set(err, 0, "%s", strerror(r));
    else
        err_set(err, 0, "%s", dwfl_errmsg(-1));
    dwfl_end(dwfl);
    return r > 0 ? -r : -EIO;
}
