/* test/spawn_environment_test.c - what a program that a test starts inherits, and what doubles add. */

#include <seam/spawn.h>

#include <elf.h>
#include <sys/stat.h>

#include "test/t.h"
#include "test/trial_test.h"

static const char *output_of(seam_t *t, seam_process *process)
{
    seam_check_eq(t, seam_process_wait(process, 0), 0);
    return seam_process_output(process);
}

SEAM_TEST(spawn_filters_the_environment)
{
    seam_process *p;

    seam_setenv(t, "PGHOST", "db.example.com");
    seam_setenv(t, "https_proxy", "http://proxy:1");
    seam_setenv(t, "HTTP_PROXY", "http://proxy:1");
    seam_setenv(t, "AWS_PROFILE", "real");
    seam_setenv(t, "SPAWN_KEPT", "kept");
    seam_setenv(t, "SPAWN_GONE", "there");
    seam_setenv(t, "SPAWN_NEW", "old");
    p = seam_spawn(t, .argv = { "env" },
                   .env = { "SPAWN_NEW=new=1", "SPAWN_GONE", "PGUSER=own", "DIR={dir}" });
    seam_check_str(
        t,
        output_of(t, seam_spawn(t,
                                .argv = { "sh", "-c",
                                          "grep -E '^(PG|AWS|SPAWN|DIR|.*_(proxy|PROXY))' "
                                          "| sed 's|DIR=/.*|DIR=there|' | sort" },
                                .stdin_text = output_of(t, p))),
        "DIR=there\nPGUSER=own\nSPAWN_KEPT=kept\nSPAWN_NEW=new=1\n");
}

/* ---- doubles ----------------------------------------------------------------------------- */

static bool add_variables(seam_t *t, seam_site at, struct buf *assignments)
{
    static const char words[] = "SPAWN_A=1\0SPAWN_B=2\0SPAWN_C+=3";

    (void)t;
    (void)at;
    buf_add(assignments, words, sizeof words);
    return true;
}

SEAM_TEST(spawn_takes_what_doubles_add)
{
    seam_process *p;

    seam_setenv(t, "SPAWN_A", "0");
    t_spawn_environment(add_variables, "does not reach the doubles of this test",
                        "and give it the URL of a mock that was started with NULL");
    p = seam_spawn(t, .argv = { "sh", "-c", "echo $SPAWN_A $SPAWN_B $SPAWN_C" },
                   .env = { "SPAWN_B=own", "SPAWN_C=own" });
    seam_check_str(t, output_of(t, p), "1 own own:3\n");
    p = seam_spawn(t, .argv = { "sh", "-c", "echo $SPAWN_A" }, .no_doubles = true);
    seam_check_str(t, output_of(t, p), "0\n");
}

/* The head of a program for the kernel alone: it names no loader. */
static const char *make_static_program(seam_t *t)
{
    const Elf64_Ehdr head = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64 } };
    const char *path = seam_path(t, "%s/static", seam_tempdir(t));

    seam_write_file(t, path, &head, sizeof head);
    seam_require_ok(t, chmod(path, 0755));
    return path;
}

static void spawns_a_static_program(seam_t *t)
{
    t_spawn_environment(add_variables, "does not reach the doubles of this test",
                        "and give it the URL of a mock that was started with NULL");
    seam_spawn(t, .argv = { make_static_program(t) });
}

/* As Go's linker makes them where a package of Go's own uses C: with a loader, and two notes. */
static const char *make_go_program(seam_t *t)
{
    static const struct {
        Elf64_Ehdr head;
        Elf64_Phdr segments[2];
        Elf64_Nhdr first, second;
        char name[4];
    } file = {
        .head = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64 },
                  .e_phoff = sizeof(Elf64_Ehdr),
                  .e_phentsize = sizeof(Elf64_Phdr),
                  .e_phnum = 2 },
        .segments = { { .p_type = PT_INTERP },
                      { .p_type = PT_NOTE,
                        .p_offset = sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr),
                        .p_filesz = 2 * sizeof(Elf64_Nhdr) + 4 } },
        .second = { .n_namesz = 4 },
        .name = "Go",
    };
    const char *path = seam_path(t, "%s/gopher", seam_tempdir(t));

    seam_write_file(t, path, &file, sizeof file);
    seam_require_ok(t, chmod(path, 0755));
    return path;
}

static void spawns_a_go_program(seam_t *t)
{
    t_spawn_environment(add_variables, "does not reach the doubles of this test",
                        "and give it the URL of a mock that was started with NULL");
    seam_spawn(t, .argv = { make_go_program(t) });
}

static void spawns_it_without_doubles(seam_t *t)
{
    t_spawn_environment(add_variables, "does not reach the doubles of this test",
                        "and give it the URL of a mock that was started with NULL");
    seam_spawn(t, .argv = { make_static_program(t) }, .no_doubles = true);
}

SEAM_TEST(spawn_refuses_what_goes_past_the_doubles)
{
    seam_check_match(t, trial_run(t, spawns_a_static_program, NULL),
                     "^error t: '/.*/static' does not reach the doubles of this test: it is "
                     "a static program\ntry: .no_doubles = true, and give it the URL of a "
                     "mock that was started with NULL\n"
                     "end t fail\n$");
    seam_check_contains(t, trial_run(t, spawns_a_go_program, NULL),
                        "/gopher' does not reach the doubles of this test: it is a Go program");
    seam_check_contains(t, trial_run(t, spawns_it_without_doubles, NULL), "Exec format error");
}
