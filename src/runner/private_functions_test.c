/* runner/private_functions_test.c - static functions that tests call: who defines them, and how they
 * are made reachable. */

#include "runner/build.h"

#include <seam/seam.h>

#include <string.h>
#include <unistd.h>

#include "base/io.h"

/* A package with two sources and a test, built below the same folder. */
struct project {
    struct arena arena;
    struct build build;
    struct source_package package;
    struct source_file files[3];
};

static void finish(void *arg)
{
    struct project *project = arg;

    arena_fini(&project->arena);
}

static struct project *project_of(seam_t *t, const char *a, const char *b, const char *test)
{
    static const char *const names[] = { "a.c", "b.c", "a_test.c" };
    const char *const texts[] = { a, b, test };
    struct project *project = seam_alloc(t, sizeof *project);
    const char *folder = seam_tempdir(t);

    seam_cleanup(t, finish, project);
    for (int i = 0; i < 3; i++) {
        project->files[i] =
            (struct source_file){ .path = seam_path(t, "%s/%s", folder, names[i]),
                                  .name = names[i],
                                  .is_test = i == 2,
                                  .next = i < 2 ? &project->files[i + 1] : NULL };
        seam_write_file(t, project->files[i].path, texts[i], strlen(texts[i]));
    }
    project->package =
        (struct source_package){ .name = "p", .files = project->files, .folder = folder };
    project->build = (struct build){ .arena = &project->arena, .folder = folder };
    seam_require_ok(
        t, io_make_folders(build_object_folder(&project->build, &project->package), 0700));
    return project;
}

static bool resolves(struct project *project, const char *words)
{
    return private_resolve(&project->build, &project->package, words);
}

static const char *flags(struct project *project)
{
    return private_link_flags(&project->build, &project->package);
}

SEAM_TEST(private_function_is_wrapped_where_it_is_defined)
{
    struct project *project = project_of(t, "int a;\n", "static int f(int x)\n{\n}\n",
                                         "#include <x.h>\n\nint f(int x);\n\nint g(void);\n");
    const char *wrapper =
        seam_format(t,
                    "extern __typeof__(f) seam_static_f __attribute__((alias(\"f\")));\n"
                    "#line 3 \"%s\"\n"
                    "int f(int x);\n",
                    project->files[2].path);

    seam_check(t, resolves(project, "x.o: undefined reference to `f'\n"));
    seam_check_null(t, project->files[0].wrapper);
    seam_require(t, project->files[1].wrapper != NULL);
    seam_check_str(t, seam_read_file(t, project->files[1].wrapper, NULL), wrapper);
    seam_check_str(t, flags(project), " -Wl,--defsym=f=seam_static_f");
    seam_check(t, !resolves(project, "x.o: undefined reference to `f'\n")); /* learned before */
}

SEAM_TEST(private_functions_are_learned_from_each_linker)
{
    struct project *project = project_of(t,
                                         "static void f(void) {}\nstatic int *g (int a,\n"
                                         "    int (*b)(int)) {\n}\n",
                                         "", "");

    seam_check(t, resolves(project, "ld: a.o:(.text+0x1): undefined reference to `f'\n"
                                    "ld.lld: error: undefined symbol: g\n>>> referenced by\n"));
    seam_check_str(t, flags(project),
                   " -Wl,--defsym=f=seam_static_f -Wl,--defsym=g=seam_static_g");
}

SEAM_TEST(private_function_must_have_one_definition)
{
    const char *words = "undefined reference to `f'\n";
    struct project *two =
        project_of(t, "static int f(void) {}\n", "static int f(void) {}\n", "");

    seam_check(t, !resolves(two, words));
    seam_check(t, !resolves(project_of(t, "int f(void) {}\n", "", ""), words));
    seam_check(t, !resolves(project_of(t, "static int f(void);\n", "", ""), words));
    seam_check(t, !resolves(project_of(t, "static int ff(void) {}\n", "", ""), words));
    seam_check(t, !resolves(project_of(t, "// static int f(void) {}\n", "", ""), words));
    seam_check(t, !resolves(project_of(t, "", "", "static int f(void) {}\n"), words));
    seam_check(t, !resolves(project_of(t, "static int g(void) { f(); {} }\n", "", ""), words));
    seam_check_str(t, flags(two), "");
}

SEAM_TEST(private_list_is_loaded_and_forgotten)
{
    struct project *project = project_of(t, "static int f(void) {}\n", "", "int f(void);\n");

    seam_check(t, resolves(project, "undefined reference to `f'\n"));
    project->files[0].wrapper = NULL;
    private_load(&project->build, &project->package);
    seam_check(t, project->files[0].wrapper != NULL);
    seam_check(t, private_forget(&project->build, &project->package));
    seam_check_null(t, project->files[0].wrapper);
    seam_check_str(t, flags(project), "");
    seam_check(t, !private_forget(&project->build, &project->package));
}
