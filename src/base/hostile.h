/*
 * base/hostile.h - builds that are hard on our own code. In an ordinary build this changes nothing.
 *
 * -DSEAM_HOSTILE  Buffers grow by no more than they must and move each time, each piece of an arena
 *                 has its own block, read() brings 1 to 7 bytes, and memory is full of 0xab before
 *                 it is used and when it is freed.
 * -DSEAM_TORTURE  The allocation whose number the environment variable SEAM_TORTURE holds (the first
 *                 of the process is 1) fails, and no other.
 *
 * To be included last: it puts functions in the place of malloc, calloc, realloc, free and read.
 * What they return may be freed by the ordinary free().
 *
 * Threads: any.
 */
#ifndef BASE_HOSTILE_H
#define BASE_HOSTILE_H

#ifdef SEAM_HOSTILE
#define HOSTILE_OR(hostile, usual) (1 ? (hostile) : (usual))
#else
#define HOSTILE_OR(hostile, usual) (0 ? (hostile) : (usual))
#endif

#if defined(SEAM_HOSTILE) || defined(SEAM_TORTURE)

#include <stddef.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

void *hostile_malloc(size_t size);
void *hostile_calloc(size_t count, size_t size);
void *hostile_realloc(void *memory, size_t size);
void hostile_free(void *memory);
ssize_t hostile_read(int fd, void *to, size_t size);

#ifndef HOSTILE_ITSELF
#define malloc(size) hostile_malloc(size)
#define calloc(count, size) hostile_calloc((count), (size))
#define realloc(memory, size) hostile_realloc((memory), (size))
#define free(memory) hostile_free(memory)
#define read(fd, to, size) hostile_read((fd), (to), (size))
#endif

#endif
#endif
