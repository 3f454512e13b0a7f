/* link/connect.h - what the hooked connect() does for destinations that are judged. */
#ifndef LINK_CONNECT_H
#define LINK_CONNECT_H

#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* As connect(); `caller` is the return address of the hook. */
int link_connect(int fd, const struct sockaddr *to, socklen_t size, const void *caller);

/* Remember what an epoll descriptor watches: a socket that is put in another's place must be watched
 * again, because the kernel forgets it in silence. */
void link_remember_watch(int epoll, int command, int fd, const struct epoll_event *event);

/* Whether connections of this thread pass unjudged. */
bool link_passes(void);

#endif
