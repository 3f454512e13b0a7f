/* service/run_label.c - the label of all that a run has in a Docker daemon; see run_label.h. */

#include "service/run_label.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/map.h"
#include "service/clean.h"

enum { PART = 8 };

static uint64_t add_file(uint64_t hash, const char *path)
{
    struct buf text = BUF_INIT(4096);

    io_read_file(path, &text);
    hash = hash_bytes(hash, buf_text(&text), text.size);
    buf_fini(&text);
    return hash;
}

static void part(uint64_t hash, char ret[PART + 1])
{
    snprintf(ret, PART + 1, "%08x", (unsigned)(hash ^ hash >> 32));
}

/* What stands behind the run's id. */
struct surroundings {
    char owner[PART + 1], place[PART + 1], boot[PART + 1];
};

static void look_around(struct surroundings *ret)
{
    uid_t user = geteuid();
    char host[256] = "";
    uint64_t hash = add_file(HASH_BEGIN, "/etc/machine-id");

    gethostname(host, sizeof host - 1);
    hash = hash_bytes(hash, host, strlen(host));
    part(hash_bytes(hash, &user, sizeof user), ret->owner);
    part(clean_place(), ret->place);
    part(add_file(HASH_BEGIN, "/proc/sys/kernel/random/boot_id"), ret->boot);
}

const char *run_label(const char *run, int keeper, char room[RUN_LABEL_MAX])
{
    struct surroundings here;
    char number[16] = "";

    look_around(&here);
    if (keeper > 0)
        snprintf(number, sizeof number, ".%d", keeper);
    snprintf(room, RUN_LABEL_MAX, "seam.run=%s.%s.%s.%s%s", run, here.owner, here.place,
             here.boot, number);
    return room;
}

bool run_label_is_dead(const char *value)
{
    char run[CLEAN_RUN_SIZE + 1];
    struct surroundings here, theirs;

    if (sscanf(value, "%8[a-z0-9].%8[0-9a-f].%8[0-9a-f].%8[0-9a-f]", run, theirs.owner,
               theirs.place, theirs.boot) != 4)
        return false;
    look_around(&here);
    if (strcmp(theirs.owner, here.owner) != 0)
        return false;
    if (strcmp(theirs.boot, here.boot) != 0)
        return true;
    return strcmp(theirs.place, here.place) == 0 && !clean_lives(run);
}
