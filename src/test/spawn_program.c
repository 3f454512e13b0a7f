/* test/spawn_program.c - which file a program is, and whether a library can be preloaded into it. */

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "test/spawn.h"

enum { INTERPRETERS_MAX = 4, SEGMENTS_MAX = 64, NOTES_MAX = 4096 };

/* ---- where it is */

static bool is_program(const char *path)
{
    struct stat file;

    return stat(path, &file) == 0 && S_ISREG(file.st_mode) && access(path, X_OK) == 0;
}

/* The first folder of a list such as $PATH that has it; an empty one is the current. */
static const char *find_in(seam_process *child, const char *folders, const char *name)
{
    struct arena *arena = &child->t->arena;

    while (folders && *folders) {
        int size = (int)strcspn(folders, ":");
        const char *path = size == 0 ? arena_printf(arena, "./%s", name)
                                     : arena_printf(arena, "%.*s/%s", size, folders, name);

        if (is_program(path))
            return path;
        folders += size + (folders[size] == ':');
    }
    return NULL;
}

/* The folder of the test program. */
static const char *own_folder(seam_process *child)
{
    char self[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);

    if (size <= 0)
        return ".";
    self[size] = '\0';
    *strrchr(self, '/') = '\0';
    return arena_dup(&child->t->arena, *self ? self : "/");
}

/* The program may be started in another folder. */
static const char *absolute(seam_process *child, const char *path)
{
    char *full = *path == '/' ? NULL : realpath(path, NULL);
    const char *copy = full ? arena_dup(&child->t->arena, full) : path;

    free(full);
    return copy;
}

static SEAM_NORETURN void not_found(seam_process *child, const char *name, const char *beside)
{
    bool has_own = getenv("SEAM_PROGRAM_PATH") != NULL;

    seam_fatal_at(
        child->t, child->options.site,
        "there is no program '%s' %s%s, beside the test program (%s)%s%s or in $PATH\n"
        "try: //seam:program %s FILE.c..., or SEAM_PROGRAM_PATH=FOLDER",
        name,
        has_own ? "in $SEAM_PROGRAM_PATH ("
                : "in $SEAM_PROGRAM_PATH (which is "
                  "not set)",
        has_own ? arena_printf(&child->t->arena, "%s)", getenv("SEAM_PROGRAM_PATH")) : "",
        beside, process.build ? ", in " : "", process.build ? process.build : "", name);
}

const char *spawn_find_program(seam_process *child, const char *name)
{
    const char *places[4];
    const char *path = NULL;

    if (strchr(name, '/')) {
        path = t_source_path(child->t, child->options.site, name);
        if (access(path, F_OK) < 0)
            seam_fatal_at(child->t, child->options.site, "there is no program '%s'", path);
        return path;
    }
    places[0] = getenv("SEAM_PROGRAM_PATH");
    places[1] = own_folder(child);
    places[2] = process.build;
    places[3] = getenv("PATH");
    for (size_t i = 0; i < sizeof places / sizeof *places && !path; i++)
        path = find_in(child, places[i], name);
    if (!path)
        not_found(child, name, places[1]);
    return absolute(child, path);
}

/* ---- whether a library can be preloaded */

static bool is_privileged(const struct stat *file)
{
    return (file->st_mode & S_ISUID && file->st_uid != geteuid()) ||
           (file->st_mode & S_ISGID && file->st_mode & S_IXGRP && file->st_gid != getegid());
}

static size_t padded(size_t size, size_t to)
{
    return (size + to - 1) / to * to;
}

/* Go's linker leaves a note of the name "Go". */
static bool is_noted_by_go(int fd, const Elf64_Phdr *segment)
{
    char notes[NOTES_MAX];
    size_t size = segment->p_filesz < sizeof notes ? segment->p_filesz : sizeof notes;
    ssize_t n = pread(fd, notes, size, (off_t)segment->p_offset);
    size_t end = n > 0 ? (size_t)n : 0, to = segment->p_align == 8 ? 8 : 4;
    Elf64_Nhdr note;

    for (size_t at = 0; at + sizeof note + sizeof "Go" <= end;) {
        memcpy(&note, notes + at, sizeof note);
        if (note.n_namesz == 4 && memcmp(notes + at + sizeof note, "Go", sizeof "Go") == 0)
            return true;
        at = padded(at + sizeof note + note.n_namesz, to) + padded(note.n_descsz, to);
    }
    return false;
}

/* A dynamic program names its loader. One of another word size has a loader for which ours is no library. */
static const char *look_at_elf(int fd)
{
    bool is_dynamic = false, is_go = false;
    Elf64_Ehdr head;
    Elf64_Phdr segment;

    if (pread(fd, &head, sizeof head, 0) != (ssize_t)sizeof head)
        return NULL;
    if (head.e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32))
        return "it is a program of another word size";
    for (int i = 0; i < head.e_phnum && i < SEGMENTS_MAX; i++) {
        off_t at = (off_t)(head.e_phoff + (uint64_t)i * head.e_phentsize);

        if (pread(fd, &segment, sizeof segment, at) != (ssize_t)sizeof segment)
            return NULL;
        is_dynamic |= segment.p_type == PT_INTERP;
        is_go |= segment.p_type == PT_NOTE && is_noted_by_go(fd, &segment);
    }
    if (!is_dynamic)
        return "it is a static program";
    return is_go ? "it is a Go program, which calls the kernel past libc" : NULL;
}

/* "#! /bin/sh -e": the path. */
static bool interpreter_of(char *head, char *ret, size_t size)
{
    char *path = head + 2;

    path += strspn(path, " \t");
    path[strcspn(path, " \t\r\n")] = '\0';
    return snprintf(ret, size, "%s", path) < (int)size && *ret == '/';
}

static const char *look_at(int fd, char *path, size_t size)
{
    char head[PATH_MAX + 1];
    struct stat file;
    ssize_t n;

    if (fstat(fd, &file) == 0 && is_privileged(&file))
        return "it has set-user-id or set-group-id";
    n = pread(fd, head, sizeof head - 1, 0);
    head[n > 0 ? n : 0] = '\0';
    if (n > 4 && memcmp(head, ELFMAG, SELFMAG) == 0) {
        *path = '\0';
        return look_at_elf(fd);
    }
    if (strncmp(head, "#!", 2) != 0 || !interpreter_of(head, path, size))
        *path = '\0';
    return NULL;
}

const char *spawn_not_preloadable(const char *program)
{
    char path[PATH_MAX];
    const char *why = NULL;

    snprintf(path, sizeof path, "%s", program);
    for (int i = 0; i < INTERPRETERS_MAX && *path && !why; i++) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
            return NULL;
        why = look_at(fd, path, sizeof path);
        close(fd);
    }
    return why;
}
