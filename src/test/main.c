/* test/main.c - the main of every test program: agent, one test after exec, or alone. */

#include <string.h>

#include "events/agent_link.h"
#include "test/state.h"

SEAM_PUBLIC_BEGIN
int(main)(int argc, char **argv);
SEAM_PUBLIC_END

/* In parentheses: `seam test` renames a main that it finds in a folder, and must not when it tests this one. */
int(main)(int argc, char **argv)
{
    const size_t agent = strlen(AGENT_OPTION);
    const size_t child = strlen(AGENT_CHILD_OPTION);

    emit_watch_forks();
    if (argc > 1 && strncmp(argv[1], AGENT_OPTION, agent) == 0)
        return agent_main(argv[1] + agent, argc, argv);
    if (argc > 1 && strncmp(argv[1], AGENT_CHILD_OPTION, child) == 0)
        return agent_child(argv[1] + child, argc, argv);
    return alone_main(argc, argv);
}
