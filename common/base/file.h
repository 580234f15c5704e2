/* file: reading whole small files. */
#ifndef ALPINE_BASE_FILE_H
#define ALPINE_BASE_FILE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Appends the file's bytes to content; fails (errno kept) when it cannot be read or has more than limit bytes. It
 * may be a pipe: one that nobody writes to is empty, and a writer is waited for 2 s at most (ETIMEDOUT), for the
 * loop of a service waits here. */
MUST_CHECK int file_read(const char *path, size_t limit, struct buf *content, struct err *err);
/* Creates the directory and its parents with the given mode; one that exists is fine. */
MUST_CHECK int file_make_directory(const char *path, unsigned mode, struct err *err);

#endif
