/*
 * double/driven.h - what doubles share whose connections are streams (net/stream.h): the part of a driver (link/link.h)
 * for a connection that is there. It is known by its stream, which is entered until the program has closed it.
 *
 * Threads: driven_feed, _end and _gone from any; the others with the loop's lock.
 */
#ifndef DOUBLE_DRIVEN_H
#define DOUBLE_DRIVEN_H

#include <stddef.h>

struct stream;

int driven_feed(void *stream, const void *data, size_t size);
void driven_end(void *stream);
void driven_gone(void *stream);
void driven_leave_unread(struct stream *stream); /* of a stream's owner */

/* The program has been accepted already: the nearest to a refusal is a reset. */
void driven_turn_away(int fd);

#endif
