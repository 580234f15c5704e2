/* source_sqlite: Argo's table `signals`, read and never written.
 *
 * Every look is a short read transaction of its own: one that stays open keeps Argo's WAL from shrinking. */
#ifndef ALPINE_SENDER_SOURCE_SQLITE_H
#define ALPINE_SENDER_SOURCE_SQLITE_H

#include "base/err.h"
#include "seams/source.h"

/* path need not exist yet; it is opened, and opened again, when it is read. NULL when out of memory. */
struct source *source_sqlite_new(const char *path);
void source_sqlite_free(struct source *source);

/* Finds the mix of owner and rights with which merely reading the file can lock its owner out: a reader of another
 * user who may write in the directory creates -shm and -wal files that are its own. Returns -1 and what to do. */
MUST_CHECK int source_sqlite_check_rights(const char *path, struct err *err);

#endif
