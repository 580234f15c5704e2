/* source_watch: says when to look at a SQLite file.
 *
 * inotify wakes at once, but at the write to the -wal, before the commit is visible: so there are several looks,
 * 0.1 ms to 3 s after it (a commit that is flushed is visible only when its fsync is through). The directory is
 * watched, because the file may be replaced. */
#ifndef ALPINE_SENDER_SOURCE_WATCH_H
#define ALPINE_SENDER_SOURCE_WATCH_H

#include "base/err.h"
#include "base/loop.h"

struct source_watch;

/* Calls look from the loop. Where the directory cannot be watched (or is not there yet) only interval_ns, the slow
 * look underneath, is left; then and later the watch is tried again. NULL when out of memory. */
struct source_watch *source_watch_new(struct loop *loop, const char *path, int64_t interval_ns, loop_due *look,
                                      void *context);
void source_watch_free(struct source_watch *watch);

#endif
