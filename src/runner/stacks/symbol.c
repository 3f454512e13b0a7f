/* runner/stacks/symbol.c - an address becomes functions, files and lines; see symbol.h. */

#include "runner/stacks/symbol.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <inttypes.h>
#include <string.h>

#include "runner/stacks/process.h"

enum { DEPTH_MAX = 32 }; /* functions inlined into each other */

/* A spot in a compilation unit. Its address is DWARF's: that of the process less the bias. */
struct spot {
    Dwarf_Die unit;
    Dwarf_Die functions; /* the same unit, or its other half (-gsplit-dwarf) */
    Dwarf_Addr address;
    struct arena *arena;
};

/* clang writes no .debug_aranges: the quick way may fail; then every unit has to be asked. */
static bool find_unit(Dwfl_Module *module, Dwarf_Addr address, struct spot *ret)
{
    Dwarf_Addr bias;
    Dwarf_Die *unit = dwfl_module_addrdie(module, address, &bias);

    if (!unit)
        while ((unit = dwfl_module_nextcu(module, unit, &bias)))
            if (dwarf_haspc(unit, address - bias) == 1)
                break;
    if (!unit)
        return false;
    ret->unit = ret->functions = *unit;
    ret->address = address - bias;
    if (dwarf_tag(unit) == DW_TAG_skeleton_unit)
        dwarf_cu_info(unit->cu, NULL, NULL, NULL, &ret->functions, NULL, NULL, NULL);
    return true;
}

static const char *absolute(struct spot *spot, const char *path)
{
    Dwarf_Attribute attribute;
    const char *folder;

    if (!path || path[0] == '/')
        return path;
    folder = dwarf_formstring(dwarf_attr(&spot->unit, DW_AT_comp_dir, &attribute));
    return folder ? arena_printf(spot->arena, "%s/%s", folder, path) : path;
}

/* Replace `die` by what in it covers the address. A namespace has no addresses of its own. */
static bool step_in(Dwarf_Die *die, Dwarf_Addr address)
{
    Dwarf_Die child;

    if (dwarf_child(die, &child) != 0)
        return false;
    do
        if (dwarf_haspc(&child, address) == 1 ||
            (dwarf_tag(&child) == DW_TAG_namespace && step_in(&child, address))) {
            *die = child;
            return true;
        }
    while (dwarf_siblingof(&child, &child) == 0);
    return false;
}

/* The functions that contain the spot, outermost first: one that has code of its own, and those
 * that were inlined there. */
static size_t find_functions(const struct spot *spot, Dwarf_Die ret[DEPTH_MAX])
{
    Dwarf_Die die = spot->functions;
    size_t depth = 0;

    while (depth < DEPTH_MAX && step_in(&die, spot->address))
        if (dwarf_tag(&die) == DW_TAG_subprogram ||
            dwarf_tag(&die) == DW_TAG_inlined_subroutine)
            ret[depth++] = die;
    return depth;
}

static int number_of(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attribute;
    Dwarf_Word value;

    return dwarf_formudata(dwarf_attr(die, name, &attribute), &value) == 0 ? (int)value : 0;
}

/* The place of the call that was replaced by the inlined function `die`, which is in its
 * caller. */
static void go_to_call(struct spot *spot, Dwarf_Die *die, struct line *ret)
{
    int file = number_of(die, DW_AT_call_file);
    Dwarf_Files *files;
    size_t count;

    ret->number = number_of(die, DW_AT_call_line);
    if (dwarf_getsrcfiles(&spot->functions, &files, &count) == 0 && (size_t)file < count)
        ret->file = absolute(spot, dwarf_filesrc(files, (size_t)file, NULL, NULL));
}

static void go_to_spot(struct spot *spot, struct line *ret)
{
    Dwarf_Line *line = dwarf_getsrc_die(&spot->unit, spot->address);

    if (!line)
        return;
    ret->file = absolute(spot, dwarf_linesrc(line, NULL, NULL));
    dwarf_lineno(line, &ret->number);
}

/* What DWARF knows. `line` comes with all that does not change from function to function, and
 * with the name that the symbol table gives. */
static size_t debug_lines(struct spot *spot, struct line line, struct line *ret, size_t room)
{
    Dwarf_Die functions[DEPTH_MAX];
    size_t depth = find_functions(spot, functions), count = 0;

    go_to_spot(spot, &line);
    for (; depth > 0 && count < room; depth--) {
        Dwarf_Die *function = &functions[depth - 1];
        const char *name = dwarf_diename(function);

        ret[count] = line;
        if (name)
            ret[count].function = name;
        count++;
        go_to_call(spot, function, &line);
    }
    if (count == 0)
        ret[count++] = line;
    return count;
}

/* Of several names for one address, the one that programs call: connect, not __connect. */
static const char *public_name(Dwfl_Module *module, const char *name, GElf_Addr start)
{
    int count = name[0] == '_' ? dwfl_module_getsymtab(module) : 0;

    for (int i = 0; i < count; i++) {
        GElf_Sym symbol;
        GElf_Addr address;
        const char *other =
            dwfl_module_getsym_info(module, i, &symbol, &address, NULL, NULL, NULL);

        if (other && address == start && other[0] && other[0] != '_')
            return other;
    }
    return name;
}

/* The name in the source: without what a sanitizer puts in front of a function that it stands
 * in for, and without what gcc puts behind a clone ("parse.part.0"). */
static const char *source_name(struct arena *arena, const char *name)
{
    static const char sanitizer[] = "__interceptor_";
    const char *stem = strstr(name, sanitizer);

    if (stem && stem <= name + 1)
        name = stem + sizeof sanitizer - 1;
    return arena_printf(arena, "%.*s", (int)(1 + strcspn(name + 1, ".")), name);
}

const char *symbol_name(Dwfl_Module *module, struct arena *arena, uint64_t address,
                        uint64_t *ret_offset)
{
    GElf_Sym symbol;
    GElf_Off offset;
    const char *name =
        dwfl_module_addrinfo(module, address, &offset, &symbol, NULL, NULL, NULL);

    if (!name || !name[0])
        return NULL;
    *ret_offset = offset;
    return source_name(arena, public_name(module, name, address - offset));
}

static void name_by_symbol(Dwfl_Module *module, struct arena *arena, uint64_t address,
                           struct line *ret)
{
    uint64_t offset;
    GElf_Addr start;

    ret->function = symbol_name(module, arena, address, &offset);
    if (ret->function)
        return;
    dwfl_module_info(module, NULL, &start, NULL, NULL, NULL, NULL, NULL);
    ret->function = arena_printf(arena, "%s+0x%" PRIx64, ret->module, ret->pc - start);
}

size_t symbol_lines(Dwfl *dwfl, struct arena *arena, const struct frame *frame,
                    struct line *ret, size_t room)
{
    /* A return address may lie behind the last instruction of its function. */
    uint64_t address = frame->exact || frame->pc == 0 ? frame->pc : frame->pc - 1;
    Dwfl_Module *module = process_module(dwfl, address);
    struct line line = { .module = "-", .pc = frame->pc };
    struct spot spot = { .arena = arena };

    if (!module) {
        line.function = arena_printf(arena, "no code at 0x%" PRIx64, frame->pc);
        ret[0] = line;
        return 1;
    }
    line.module = process_module_name(module);
    name_by_symbol(module, arena, address, &line);
    if (!process_is_runtime(line.module) && find_unit(module, address, &spot))
        return debug_lines(&spot, line, ret, room);
    ret[0] = line;
    return 1;
}
