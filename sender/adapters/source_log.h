/* source_log: Argo's log of signals, one JSON object a line, read and never written.
 *
 * It is followed through rotation: by rename (the old file is read to its end, then the next), and by copy and
 * truncation (the rest is found in the copy). What stands in packed files, or was lost between copying and
 * truncating, goes when the table has it. */
#ifndef ALPINE_SENDER_SOURCE_LOG_H
#define ALPINE_SENDER_SOURCE_LOG_H

#include "adapters/log_files.h"
#include "seams/source.h"

/* path need not exist yet. NULL when out of memory. */
struct source *source_log_new(const char *path, const struct log_files_shut *shut);
void source_log_free(struct source *source);

#endif
