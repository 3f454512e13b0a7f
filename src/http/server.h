/* http/server.h - what tests of servers may change. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

/* How long a server that stops waits for its handlers before it says which one it waits for. */
extern int http_server_patience_ms;

#endif
