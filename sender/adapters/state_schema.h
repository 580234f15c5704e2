/* state_schema: the tables of state.db, and how older ones become them. */
#ifndef ALPINE_SENDER_STATE_SCHEMA_H
#define ALPINE_SENDER_STATE_SCHEMA_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/err.h"

/* Brings the database to this version's schema, in one transaction; may_write false: only looks whether it has it.
 * Returns -1 and the reason in err. */
MUST_CHECK int state_schema_prepare(sqlite3 *db, bool may_write, struct err *err);

#endif
