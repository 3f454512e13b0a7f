/* runner/stacks/callee.c - the name by which a program called a function; see callee.h. */

#include "runner/stacks/callee.h"

#include <stddef.h>

#include "runner/stacks/machine.h"
#include "runner/stacks/process.h"
#include "runner/stacks/symbol.h"

/* The code at `address` as it is in the file; NULL when not all of `size` is in one section. */
static const uint8_t *code_at(Dwfl_Module *module, uint64_t address, size_t size)
{
    GElf_Addr offset = address, bias;
    Elf_Scn *section = dwfl_module_address_section(module, &offset, &bias);
    Elf_Data *data = section ? elf_rawdata(section, NULL) : NULL;

    if (!data || !data->d_buf || offset > data->d_size || data->d_size - offset < size)
        return NULL;
    return (const uint8_t *)data->d_buf + offset;
}

/* The name of a symbol in the table that the relocations in `head` refer to. */
static const char *relocated_name(Elf *elf, const GElf_Shdr *head, size_t number)
{
    Elf_Scn *table = elf_getscn(elf, head->sh_link);
    Elf_Data *data = table ? elf_getdata(table, NULL) : NULL;
    GElf_Shdr table_head;
    GElf_Sym symbol;

    if (!data || !gelf_getshdr(table, &table_head) ||
        !gelf_getsym(data, (int)number, &symbol) || symbol.st_name == 0)
        return NULL;
    return elf_strptr(elf, table_head.sh_link, symbol.st_name);
}

static const char *name_of_slot_in(Elf *elf, Elf_Scn *section, uint64_t slot)
{
    Elf_Data *data = NULL;
    GElf_Rela relocation;
    GElf_Shdr head;

    if (gelf_getshdr(section, &head) && head.sh_type == SHT_RELA)
        data = elf_getdata(section, NULL);
    for (int i = 0; data && gelf_getrela(data, i, &relocation); i++)
        if (relocation.r_offset == slot)
            return relocated_name(elf, &head, GELF_R_SYM(relocation.r_info));
    return NULL;
}

/* The loader fills each slot by a relocation, which has the name. */
static const char *name_of_slot(Dwfl_Module *module, uint64_t slot)
{
    GElf_Addr bias;
    Elf *elf = dwfl_module_getelf(module, &bias);
    const char *name = NULL;

    for (Elf_Scn *section = NULL; elf && !name && (section = elf_nextscn(elf, section));)
        name = name_of_slot_in(elf, section, slot - bias);
    return name;
}

static const char *name_of_code(Dwfl_Module *module, struct arena *arena, uint64_t address)
{
    uint64_t offset;
    const char *name = symbol_name(module, arena, address, &offset);

    return name && offset == 0 ? name : NULL;
}

const char *callee_name(Dwfl *dwfl, struct arena *arena, uint64_t return_address)
{
    Dwfl_Module *module = process_module(dwfl, return_address - 1);
    enum machine_jump jump = MACHINE_NO_JUMP;
    const uint8_t *code = NULL;
    const char *name = NULL;
    uint64_t target;

    if (module)
        code = code_at(module, return_address - MACHINE_CALL_SIZE, MACHINE_CALL_SIZE);
    if (code)
        jump = machine_call(code, return_address, &target);
    if (jump == MACHINE_TO_CODE) {
        name = name_of_code(module, arena, target);
        code = name ? NULL : code_at(module, target, MACHINE_STUB_SIZE);
        jump = code ? machine_stub(code, target, &target) : MACHINE_NO_JUMP;
    }
    return jump == MACHINE_TO_SLOT ? name_of_slot(module, target) : name;
}
