/* test/spawn_words.c - placeholders in the words that a program is given, and their ports. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/io.h"
#include "test/spawn.h"

enum { WORDS_MAX = 64 << 20, PORT_TRIES = 1000, LOWEST_PORT = 10000, WIDTH_MAX = 20000 };

/* ---- ports */

/* Below the ports that the kernel gives to whoever asks for any: a connection of somebody's could take one
 * of those between our choice and the program's bind. */
static void port_range(int *ret_first, int *ret_count)
{
    struct buf text = BUF_INIT(256);
    int low = 32768;

    if (io_read_file("/proc/sys/net/ipv4/ip_local_port_range", &text) == 0)
        low = atoi(buf_text(&text));
    buf_fini(&text);
    *ret_first = LOWEST_PORT;
    if (low < LOWEST_PORT + 1000) { /* they begin low on this machine */
        *ret_first = 1024;
        low = low > 2048 ? low : 65536;
    }
    *ret_count = low - *ret_first < WIDTH_MAX ? low - *ret_first : WIDTH_MAX;
}

static bool is_free(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_ANY) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool free = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;

    io_close(&fd);
    return free;
}

/* Tests that run at once, of all runs and users, agree on ports by names of unix sockets, which the kernel
 * forgets with the process and keeps apart where it keeps ports apart. Returns a descriptor or -errno. */
static int claim(int port)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int size =
        snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "seam-port-%d", port);
    int r;

    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&address,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size)) < 0) {
        r = -errno;
        close(fd);
        return r;
    }
    return t_private_fd(fd);
}

static void choose(seam_process *child, struct spawn_port *port)
{
    int first, count;

    port_range(&first, &count);
    for (int i = 0; i < PORT_TRIES; i++) {
        unsigned random;

        if (syscall(SYS_getrandom, &random, sizeof random, 0) != sizeof random)
            break;
        port->port = first + (int)(random % (unsigned)count);
        port->claim = claim(port->port);
        if (port->claim >= 0 && is_free(port->port))
            return;
        if (port->claim >= 0)
            t_private_close(port->claim);
        port->claim = -1;
    }
    seam_fatal_at(child->t, child->options.site, "'%s': no free port of 127.0.0.1 was found",
                  child->name);
}

const struct spawn_port *spawn_find_port(const seam_process *child, const char *name)
{
    const struct spawn_port *port = child->ports;

    while (port && strcmp(port->name, name) != 0)
        port = port->next;
    return port;
}

static int port_of(seam_process *child, const char *name)
{
    const struct spawn_port *known = spawn_find_port(child, name);
    struct spawn_port *port;

    if (known)
        return known->port;
    port = arena_zero(&child->t->arena, sizeof *port);
    *port = (struct spawn_port){ child->ports, name, 0, -1 };
    child->ports = port;
    choose(child, port);
    return port->port;
}

void spawn_release_ports(void *arg)
{
    seam_process *child = arg;

    for (struct spawn_port *port = child->ports; port; port = port->next)
        if (port->claim >= 0)
            t_private_close(port->claim);
    child->ports = NULL;
}

/* ---- placeholders */

#define NAME_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

/* "{port:name}" at `at`: add its number and return what follows. */
static const char *expand_port(seam_process *child, const char *at, struct buf *to)
{
    const char *name = at + strlen("{port:");
    size_t size = strspn(name, NAME_BYTES);

    if (size == 0 || name[size] != '}')
        seam_fatal_at(child->t, child->options.site,
                      "'%s': '%.40s' is no port: write {port:NAME}, a NAME of letters and "
                      "digits; {{port for the text itself",
                      child->name, at);
    buf_printf(to, "%d", port_of(child, arena_copy(&child->t->arena, name, size)));
    return name + size + 1;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

char *spawn_expand(seam_process *child, const char *words)
{
    struct buf to = BUF_INIT(WORDS_MAX);
    char *copy;

    for (const char *at = words; *at;) {
        if (begins(at, "{{")) {
            buf_add_char(&to, '{');
            at += 2;
        } else if (begins(at, "{port:") || begins(at, "{port}"))
            at = expand_port(child, at, &to);
        else if (begins(at, "{dir}")) {
            buf_add_text(&to, seam_process_dir(child));
            at += strlen("{dir}");
        } else
            buf_add_char(&to, *at++);
    }
    copy = arena_copy(&child->t->arena, buf_text(&to), to.size);
    buf_fini(&to);
    return copy;
}
