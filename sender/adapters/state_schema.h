/* state_schema: the tables of state.db, and how older ones become them. */
#ifndef ALPINE_SENDER_STATE_SCHEMA_H
#define ALPINE_SENDER_STATE_SCHEMA_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/err.h"

/* Brings the database to this version's schema, in one transaction. Without may_write an older one is an error,
 * unless only_look: then *db becomes a copy in memory that has this version's schema. Returns -1 and the reason in
 * err; SQLite's error code is then SQLITE_ERROR if the tables are not what they should be. */
MUST_CHECK int state_schema_prepare(sqlite3 **db, bool may_write, bool only_look, struct err *err);

#endif
