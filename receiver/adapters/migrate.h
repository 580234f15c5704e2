/* migrate: brings a database to the schema of this program. */
#ifndef ALPINE_RECEIVER_MIGRATE_H
#define ALPINE_RECEIVER_MIGRATE_H

#include <stdbool.h>

#include "base/err.h"

/* The version that the embedded migrations lead to. */
int migrate_latest(void);

/* Called for each migration: applied says whether the database has it (after migrate_apply: always), fresh
 * whether this call applied it. */
typedef void migrate_report(void *self, const char *name, bool applied, bool fresh);

/* Applies what is missing, each file in a transaction of its own, under an advisory lock: of two that start at
 * once one waits, and then finds nothing to do. Refuses, and changes nothing, if the database is newer than this
 * program or if an applied file differs from the one embedded here. */
MUST_CHECK int migrate_apply(const char *url, migrate_report *report, void *self, struct err *err);

/* Reports without changing anything. *current is the database's version (0: none). */
MUST_CHECK int migrate_status(const char *url, migrate_report *report, void *self, int *current, struct err *err);

#endif
