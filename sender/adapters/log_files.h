/* log_files: a log and the files that it was rotated into: which one holds a place, and which one comes next.
 *
 * A place in a log is a number of bytes and a mark: the file's inode, and a digest of its first bytes and of those
 * before the place. A file is known by what it holds there, under whatever name, for a log that is copied and
 * truncated goes on in another inode; the inode only says where to look first. */
#ifndef ALPINE_SENDER_LOG_FILES_H
#define ALPINE_SENDER_LOG_FILES_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/err.h"
#include "seams/source.h"

struct log_files; /* the path of a log, and its directory */

/* Files that are never opened here, however they came to lie there. Closing any descriptor of a file drops all
 * record locks that the process has on it (fcntl(2)), so opening a database to look into it would take away
 * SQLite's locks, and with them the database from under its reader (sqlite.org/howtocorrupt.html, 2.2). For each
 * path the files of that name with -wal, -shm and -journal behind it are meant too. */
enum { LOG_FILES_SHUT_MAX = 4 };
struct log_files_shut {
    const char *paths[LOG_FILES_SHUT_MAX]; /* borrowed for as long as the log's files; NULL: none */
};

/* NULL when out of memory. */
struct log_files *log_files_new(const char *path, const struct log_files_shut *shut);
void log_files_free(struct log_files *files);

/* Opens what the log's path leads to. Returns the descriptor, -1 and the reason in err. */
MUST_CHECK int log_files_open_current(const struct log_files *files, struct err *err);
/* What the path leads to now. False if nothing is there. */
bool log_files_stat_current(const struct log_files *files, struct stat *now);
/* Is this descriptor's file the one that the path leads to now? */
bool log_files_is_current(const struct log_files *files, int fd);

/* Opens the file that holds the place: the current one, one with its inode, or any beside it with its content.
 * `except` is a descriptor whose file is not meant, or -1. Returns the descriptor, -1 if no file holds it. */
int log_files_find(const struct log_files *files, const struct place *place, int except);
/* Files that were read already, since the current one was read last. */
enum { LOG_FILES_READ_MAX = 1024 };
struct log_files_read {
    ino_t inodes[LOG_FILES_READ_MAX];
    size_t count;
};

/* Was the log continued in another file, with something in it, after this one, as log_files_open_next sees it? As
 * long as the next one is empty, Argo may not have opened it yet, and still write to this one. */
bool log_files_goes_on(const struct log_files *files, int fd, const struct log_files_read *read);
/* Opens the file that the log was continued in after this one: of the rotated files that are not older, and were
 * not read, the oldest; else the current one. (A file's time is coarse: several may have the same.) Notes this one
 * as read. Returns the descriptor, -1 and the reason in err. */
MUST_CHECK int log_files_open_next(const struct log_files *files, int fd, struct log_files_read *read,
                                   struct err *err);

/* The place behind `position` bytes of a file. Returns -1 if it cannot be read. */
MUST_CHECK int log_files_place(int fd, int64_t position, struct place *place);
/* Does the file hold the place? */
bool log_files_holds(int fd, const struct place *place);

#endif
