# shellcheck shell=sh
# common.sh - for cases that are scripts: . "$E2E_TOOLS/common.sh"

# stop WHAT - the case cannot go on: what its commands have written is shown, its services end. Where others have
# their runs as well, theirs must not.
stop() {
    echo "$1"
    find . '(' -name out -o -name '*.out' ')' -exec tail -n 20 {} +
    [ -z "${E2E_ALONE-}" ] || seam services down
    exit 1
}

# same WHAT WANT GOT - or the case stops.
same() {
    [ "$2" = "$3" ] || stop "$1: '$3' instead of '$2'"
}

# await WHAT COMMAND WORD... - until the command holds.
await() {
    what=$1 limit=$(($(date +%s) + 20))
    shift
    until "$@"; do
        [ "$(date +%s)" -lt $limit ] || stop "waited 20 s for $what"
    done
}

# busy_package FOLDER - eight tests; each writes to the file "busy" beside the folder when it comes, stays
# a while, and writes when it goes.
busy_package() {
    cat >"$1/busy_test.c" <<'END_OF_FILE'
#include <seam/seam.h>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

static void note(seam_t *t, const char *what)
{
    int fd = open("../busy", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

    seam_require_eq(t, write(fd, what, 1), 1);
    close(fd);
}

/* Come, stay a while, go. */
static void be_busy(seam_t *t)
{
    note(t, "+");
    poll(NULL, 0, 20);
    note(t, "-");
}

#define BUSY(n)         \
    SEAM_TEST(busy_##n) \
    {                   \
        be_busy(t);     \
    }
BUSY(1) BUSY(2) BUSY(3) BUSY(4) BUSY(5) BUSY(6) BUSY(7) BUSY(8)
END_OF_FILE
}

# How many tests were busy at the same time, of all runs; forgets them.
most_busy() {
    sed 's/./&\n/g' busy | awk '/\+/ && ++n > most { most = n } /-/ { n-- } END { print most + 0 }'
    rm -f busy
}
