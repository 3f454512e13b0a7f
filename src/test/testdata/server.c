/* testdata/server.c - a program for spawn_test.c: server PORT [BUSY]: answers GET; the first BUSY with 503. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void answer(int client, int busy)
{
    static const char fine[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    static const char away[] = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
    char request[1024];

    if (recv(client, request, sizeof request, 0) <= 0)
        return;
    send(client, busy ? away : fine, strlen(busy ? away : fine), MSG_NOSIGNAL);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int busy = argc > 2 ? atoi(argv[2]) : 0;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_port = htons((uint16_t)atoi(argv[1]));
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(listener, 8) < 0) {
        perror("server: cannot listen");
        return 1;
    }
    printf("listening on %s\n", argv[1]);
    fflush(stdout);
    for (;;) {
        int client = accept(listener, NULL, NULL);

        answer(client, busy-- > 0);
        close(client);
    }
}
