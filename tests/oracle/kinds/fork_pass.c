/* pass: checks that hold in a child that the test forked. */
#include "oracle.h"

#include <sys/wait.h>
#include <unistd.h>

SEAM_TEST(fork_pass_NUMBER)
{
    pid_t child;
    int status;

    say(t);
    child = fork();
    if (child == 0) {
        seam_check(t, 1 + 1 == 2);
        _exit(0);
    }
    seam_require(t, child > 0 && waitpid(child, &status, 0) == child);
    seam_check_eq(t, status, 0);
}
