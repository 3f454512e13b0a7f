/* http/listen.c - a listening socket for servers of another make; see seam/http.h. */

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "seam/http.h"

static int listen_at(int fd, int *ret_port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(fd, SOMAXCONN) < 0 || getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        return -errno;
    *ret_port = ntohs(address.sin_port);
    return 0;
}

int seam_http_listen_at(seam_t *t, seam_site at, int *ret_port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int r = listen_at(fd, ret_port);

    if (r == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    seam_fatal_at(t, at, "cannot listen on 127.0.0.1: %s", strerror(-r));
}
