/* service/port.c - a TCP port that a server started later may have; see port.h. */

#include "service/port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"

int port_reserve(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int server = -1, yes = 1, r = 0;

    if (listener < 0 || client < 0 || bind(listener, (struct sockaddr *)&address, size) < 0 ||
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) <
            0 || /* not earlier */
        getsockname(listener, (struct sockaddr *)&address, &size) < 0 ||
        listen(listener, 1) < 0 || connect(client, (struct sockaddr *)&address, size) < 0)
        r = -errno;
    if (r == 0) {
        server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        r = server < 0 ? -errno : ntohs(address.sin_port);
    }
    io_close(&server); /* first: the side that closes first keeps the port in TIME_WAIT */
    io_close(&client);
    io_close(&listener);
    return r;
}
