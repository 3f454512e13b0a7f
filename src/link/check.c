/*
 * link/check.c - whether each call of a hooked function in this process reaches its hook.
 *
 * Names are bound past us in silence: by a library that was loaded with RTLD_DEEPBIND, by a program that
 * hides its symbols, by a fake of the program's own. So the import slots of every loaded object are looked
 * at once; one that holds another address is set to the hook's. What cannot be mended is said.
 */

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base_name.h"
#include "base/map.h"
#include "link/hooks.h"
#include "link/link.h"
#include "link/real.h"

#if defined(__x86_64__)
enum { SLOT_JUMP = R_X86_64_JUMP_SLOT, SLOT_DATA = R_X86_64_GLOB_DAT, SLOT_WORD = R_X86_64_64 };
#elif defined(__aarch64__)
enum {
    SLOT_JUMP = R_AARCH64_JUMP_SLOT,
    SLOT_DATA = R_AARCH64_GLOB_DAT,
    SLOT_WORD = R_AARCH64_ABS64
};
#else
#error "say here which relocations are import slots"
#endif

struct check {
    struct map hooks; /* names, to 1 + the index in `all` */
    const struct link_hook *all[128];
    char bypassed[512]; /* "libfoo.so calls connect", the first that could not be mended */
    char mended[256]; /* "libfoo.so", the first that had to be */
    unsigned long long loaded; /* how many objects have been, since the program began */
    bool dynamic; /* the program has a dynamic section */
};

struct object {
    uintptr_t base, begin, end; /* of what is loaded */
    const char *name;
    const char *strings;
    const ElfW(Sym) * symbols;
    uintptr_t relro_begin, relro_end;
};

static const ElfW(Phdr) * find_segment(const struct dl_phdr_info *info, unsigned type)
{
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == type)
            return &info->dlpi_phdr[i];
    return NULL;
}

static void measure(const struct dl_phdr_info *info, struct object *object)
{
    const ElfW(Phdr) *relro = find_segment(info, PT_GNU_RELRO);

    object->begin = UINTPTR_MAX;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;

        if (info->dlpi_phdr[i].p_type != PT_LOAD)
            continue;
        if (begin < object->begin)
            object->begin = begin;
        if (begin + info->dlpi_phdr[i].p_memsz > object->end)
            object->end = begin + info->dlpi_phdr[i].p_memsz;
    }
    if (relro) {
        object->relro_begin = info->dlpi_addr + relro->p_vaddr;
        object->relro_end = object->relro_begin + relro->p_memsz;
    }
}

/* The page of a slot becomes writable for the moment that it takes; what was made read-only after
 * relocation is so again. */
static bool set_slot(const struct object *object, void **slot, void *value)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)slot & ~(page - 1);
    bool read_only =
        (uintptr_t)slot >= object->relro_begin && (uintptr_t)slot < object->relro_end;

    if (read_only && mprotect((void *)at, page, PROT_READ | PROT_WRITE) < 0)
        return false;
    *slot = value;
    if (read_only)
        mprotect((void *)at, page, PROT_READ);
    return true;
}

static const char *object_name(const struct object *object)
{
    return *object->name ? base_name(object->name) : "the program";
}

static void look_at_slot(struct check *check, const struct object *object,
                         const ElfW(Rela) * rela)
{
    const ElfW(Sym) *symbol = &object->symbols[ELF64_R_SYM(rela->r_info)];
    unsigned type = (unsigned)ELF64_R_TYPE(rela->r_info);
    void **slot = (void **)(object->base + rela->r_offset);
    const struct link_hook *hook;
    const uint32_t *index;

    if (type != SLOT_JUMP && type != SLOT_DATA && type != SLOT_WORD)
        return;
    if (!ELF64_R_SYM(rela->r_info) || symbol->st_shndx != SHN_UNDEF)
        return;
    index = map_find(&check->hooks, object->strings + symbol->st_name);
    if (!index)
        return;
    hook = check->all[*index - 1];
    if (*slot == hook->function)
        return;
    if (type == SLOT_JUMP && (uintptr_t)*slot >= object->begin &&
        (uintptr_t)*slot < object->end && *object->name)
        return; /* not called yet: its first call binds it, to us */
    if (set_slot(object, slot, hook->function)) {
        if (!*check->mended)
            snprintf(check->mended, sizeof check->mended, "%s", object_name(object));
    } else if (!*check->bypassed) {
        snprintf(check->bypassed, sizeof check->bypassed, "%s calls %s", object_name(object),
                 hook->name);
    }
}

static void look_at_slots(struct check *check, const struct object *object, uintptr_t table,
                          size_t size)
{
    const ElfW(Rela) *rela = (const void *)table;

    for (size_t i = 0; table && i < size / sizeof *rela; i++)
        look_at_slot(check, object, &rela[i]);
}

/* libc relocates most of these addresses itself, but not for every object. */
static uintptr_t absolute(const struct dl_phdr_info *info, ElfW(Addr) address)
{
    return address < info->dlpi_addr ? address + info->dlpi_addr : address;
}

/* libc and the loader keep their own calls; a sanitizer's run-time goes the other way. */
static bool is_left_alone(const char *path)
{
    static const char *const names[] = {
        "/libc.so",   "/ld-linux", "/libasan.",  "/libtsan.",
        "/libubsan.", "/liblsan.", "linux-vdso", "/libclang_rt"
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strstr(path, names[i]))
            return true;
    return false;
}

static int look_at_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    const ElfW(Phdr) *segment = find_segment(info, PT_DYNAMIC);
    struct object object = { .base = info->dlpi_addr, .name = info->dlpi_name };
    uintptr_t jumps = 0, relocations = 0;
    size_t jumps_size = 0, relocations_size = 0;
    struct check *check = arg;

    (void)size;
    check->loaded = info->dlpi_adds;
    if (!*info->dlpi_name)
        check->dynamic |= find_segment(info, PT_INTERP) != NULL;
    if (!segment || is_left_alone(info->dlpi_name))
        return 0;
    measure(info, &object);
    for (const ElfW(Dyn) *d = (const void *)(info->dlpi_addr + segment->p_vaddr); d->d_tag; d++)
        switch (d->d_tag) {
        case DT_STRTAB:
            object.strings = (const char *)absolute(info, d->d_un.d_ptr);
            break;
        case DT_SYMTAB:
            object.symbols = (const void *)absolute(info, d->d_un.d_ptr);
            break;
        case DT_JMPREL:
            jumps = absolute(info, d->d_un.d_ptr);
            break;
        case DT_PLTRELSZ:
            jumps_size = d->d_un.d_val;
            break;
        case DT_RELA:
            relocations = absolute(info, d->d_un.d_ptr);
            break;
        case DT_RELASZ:
            relocations_size = d->d_un.d_val;
            break;
        default:
            break;
        }
    if (object.strings && object.symbols) {
        look_at_slots(check, &object, jumps, jumps_size);
        look_at_slots(check, &object, relocations, relocations_size);
    }
    return 0;
}

static void add_hooks(struct check *check, const struct link_hook *hooks, size_t *count)
{
    for (; hooks->name && *count < sizeof check->all / sizeof *check->all; hooks++) {
        uint32_t *index = map_at(&check->hooks, hooks->name);

        check->all[*count] = hooks;
        if (index)
            *index = (uint32_t)++ * count;
    }
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long long checked; /* `loaded` of the last check; guarded by `lock` */

static void look_at_all(struct check *check)
{
    size_t count = 0;

    *check = (struct check){ 0 };
    add_hooks(check, link_hooks_net, &count);
    add_hooks(check, link_hooks_files, &count);
    add_hooks(check, link_hooks_trust, &count);
    if (link_hooks_time)
        add_hooks(check, link_hooks_time, &count);
    if (link_hooks_random)
        add_hooks(check, link_hooks_random, &count);
    pthread_mutex_lock(&lock);
    dl_iterate_phdr(look_at_object, check);
    checked = check->loaded;
    pthread_mutex_unlock(&lock);
    map_fini(&check->hooks);
}

int link_check(struct err *err)
{
    struct check check;

    look_at_all(&check);
    if (!check.dynamic)
        return err_set(
            err, -ENOTSUP,
            "this is a static program, which has no hooks: use the URL of a mock that was "
            "started with NULL");
    if (*check.bypassed)
        return err_set(err, -ENOTSUP, "%s past the hooks", check.bypassed);
    return 0;
}

static int count_loaded(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    *(unsigned long long *)arg = info->dlpi_adds;
    return 1;
}

int link_check_again(struct err *err)
{
    unsigned long long loaded = 0;
    struct check check;

    dl_iterate_phdr(count_loaded, &loaded);
    if (loaded == checked)
        return 0;
    look_at_all(&check);
    if (*check.bypassed || *check.mended)
        return err_set(
            err, -ENOTSUP,
            "%s was loaded with RTLD_DEEPBIND after the double had started: what it sent went "
            "past the double. Load it before, or without that flag",
            *check.mended ? check.mended : check.bypassed);
    return 0;
}
