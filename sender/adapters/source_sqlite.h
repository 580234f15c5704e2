/* source_sqlite: Argo's table `signals`, read and never written.
 *
 * Every look is a short read transaction of its own: one that stays open keeps Argo's WAL from shrinking. A place's
 * mark is the signal_id that stands at its position. */
#ifndef ALPINE_SENDER_SOURCE_SQLITE_H
#define ALPINE_SENDER_SOURCE_SQLITE_H

#include "base/err.h"
#include "seams/source.h"
#include "seams/table.h"

/* How long a read waits for a lock, in milliseconds. Argo's own transactions take a few; a loop must not wait
 * longer, a command that has nothing else to do may. */
enum { SOURCE_SQLITE_BUSY_LOOP_MS = 20, SOURCE_SQLITE_BUSY_COMMAND_MS = 10000 };

/* path need not exist yet; it is opened, and opened again, when it is read. NULL when out of memory. */
struct source *source_sqlite_new(const char *path, int busy_limit_ms);
void source_sqlite_free(struct source *source);
/* How many rows stand after a place, for who must not wait long: exact up to 20,000, beyond that by the row ids, as
 * if none were missing among the rest. -1 if that cannot be told now. */
int64_t source_sqlite_estimate_after(struct source *source, const struct place *after);
/* The same table, to be asked. Lives as long as the source. */
const struct table *source_sqlite_table(struct source *source);

#endif
