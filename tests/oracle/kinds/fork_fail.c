/* fail: a check that does not hold in a child that the test forked.
 * says: 1 + 1 */
#include "oracle.h"

#include <sys/wait.h>
#include <unistd.h>

SEAM_TEST(fork_fail_NUMBER)
{
    pid_t child;
    int status;

    say(t);
    child = fork();
    if (child == 0) {
        seam_check_eq(t, 1 + 1, 3);
        _exit(0);
    }
    seam_require(t, child > 0 && waitpid(child, &status, 0) == child);
}
