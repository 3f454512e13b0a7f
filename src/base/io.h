/*
 * base/io.h - descriptors and files: what takes more than one system call.
 *
 * All return 0 or a negative errno, and write ret_ outputs only on success.
 */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

int io_write_all(int fd, const void *data,
                 size_t size); /* waits where the descriptor does not block */
/* Wait for poll()'s events on a descriptor, or for its end or error; -ETIMEDOUT. */
int io_wait(int fd, short events, uint64_t deadline_ns);
int io_read_file(const char *path, struct buf *ret); /* adds to `ret`; -ENOBUFS past its cap */
/* Whether these words are among the first `max` bytes of a file; false for one that cannot be read. */
bool io_file_has(const char *path, const char *words, size_t max);
int io_write_file(const char *path, const void *data,
                  size_t size); /* replaces it in one step (rename) */
bool io_is_newer(const char *path,
                 const char *than); /* both are there, and path was not changed before it */
/* Make the folder if it is not there, and remove the files in it that were not written for so long. */
void io_expire_files(const char *folder, int seconds);
int io_make_folders(const char *path, mode_t mode); /* like mkdir -p */

/* Remove `path` and all below it, without following links; a folder without rights is given them
 * first. A path that is not there is a success. On failure `err` names the first entry that stayed. */
int io_remove_tree(const char *path, struct err *err);

/* Send and receive one packet with descriptors beside it (SCM_RIGHTS), which arrive close-on-exec.
 * Receiving: *count holds the room in `fds` and becomes the number that came; a result of 0 is the
 * end of the connection. */
ssize_t io_send_fds(int socket, const void *data, size_t size, const int *fds, size_t count);
ssize_t io_receive_fds(int socket, void *data, size_t size, int *fds, size_t *count);

/* Why there is no descriptor, an -errno such as -EMFILE: which limit was met, and how it is raised. */
void io_say_no_descriptor(int code, struct err *err);

void io_close(int *fd); /* closes what is not -1 and makes it -1 */

#endif
