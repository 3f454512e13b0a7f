/* link/owner.c - whose is a listening port; see owner.h. */

#include "link/owner.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base_name.h"
#include "base/lent_ports.h"
#include "base/proc.h"

enum { KEPT = 32, LISTENING = 0x0a, UNCONNECTED = 0x07, MARKER_MAX = 200 };

/* The inode of the socket that takes what comes to the port; 0: none. */
static unsigned long receiving_inode(const char *table, int port, unsigned wanted_state)
{
    FILE *file = fopen(table, "re");
    unsigned long inode = 0, found = 0;
    unsigned local, state;
    char line[512];

    while (file && !found && fgets(line, sizeof line, file))
        if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*d %*d %lu",
                   &local, &state, &inode) == 3 &&
            state == wanted_state && (int)local == port)
            found = inode;
    if (file)
        fclose(file);
    return found;
}

static unsigned long find_inode(int port, bool stream)
{
    const char *four = stream ? "/proc/self/net/tcp" : "/proc/self/net/udp";
    const char *six = stream ? "/proc/self/net/tcp6" : "/proc/self/net/udp6";
    unsigned state = stream ? LISTENING : UNCONNECTED;
    unsigned long inode = receiving_inode(four, port, state);

    return inode ? inode : receiving_inode(six, port, state);
}

/* Whether the process has that socket open. */
static bool has_socket(pid_t pid, unsigned long inode)
{
    char folder[64], want[64], target[64];
    struct dirent *entry;
    bool found = false;
    DIR *all;

    snprintf(want, sizeof want, "socket:[%lu]", inode);
    snprintf(folder, sizeof folder, "/proc/%d/fd", (int)pid);
    all = opendir(folder);
    while (all && !found && (entry = readdir(all))) {
        ssize_t size = readlinkat(dirfd(all), entry->d_name, target, sizeof target - 1);

        target[size > 0 ? size : 0] = '\0';
        found = strcmp(target, want) == 0;
    }
    if (all)
        closedir(all);
    return found;
}

struct search {
    unsigned long inode;
    bool found;
};

static bool look_into(void *arg, pid_t pid, const char *rest)
{
    struct search *search = arg;

    (void)rest;
    search->found = has_socket(pid, search->inode);
    return !search->found;
}

/* Processes of this run have the same marker as we, up to its first dot. */
static bool run_has_socket(unsigned long inode)
{
    const char *own = getenv("SEAM_TEST_ID");
    struct search search = { .inode = inode };
    char prefix[MARKER_MAX];

    if (has_socket(getpid(), inode))
        return true;
    if (!own || !strchr(own, '.'))
        return false;
    snprintf(prefix, sizeof prefix, "%.*s", (int)(strchr(own, '.') + 1 - own), own);
    proc_visit_marked(prefix, look_into, &search);
    return search.found;
}

bool owner_is_ours(int port, bool stream)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static unsigned long kept[KEPT]; /* inodes that are ours; guarded by `lock` */
    static unsigned next;
    unsigned long inode = stream && lent_ports_have(port) ? 0 : find_inode(port, stream);
    bool ours = inode == 0;

    pthread_mutex_lock(&lock);
    for (int i = 0; i < KEPT; i++)
        ours |= kept[i] == inode;
    pthread_mutex_unlock(&lock);
    if (ours || !run_has_socket(inode))
        return ours;
    pthread_mutex_lock(&lock);
    kept[next++ % KEPT] = inode;
    pthread_mutex_unlock(&lock);
    return true;
}

void owner_describe(int port, char *ret, size_t size)
{
    unsigned long inode = find_inode(port, true);
    struct dirent *entry;
    char command[64];
    DIR *all = inode ? opendir("/proc") : NULL;

    *ret = '\0';
    while (all && !*ret && (entry = readdir(all))) {
        pid_t pid = (pid_t)atoi(entry->d_name);

        if (!isdigit((unsigned char)*entry->d_name) || !has_socket(pid, inode) ||
            proc_command(pid, command, sizeof command) < 0)
            continue;
        command[strcspn(command, " :")] = '\0';
        snprintf(ret, size, "%s, pid %d", base_name(command), (int)pid);
    }
    if (all)
        closedir(all);
}
