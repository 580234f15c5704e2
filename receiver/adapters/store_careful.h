/* store_careful: groups that are not new from end to end, or that hold a row which the table refuses. */
#ifndef ALPINE_RECEIVER_STORE_CAREFUL_H
#define ALPINE_RECEIVER_STORE_CAREFUL_H

#include "adapters/store_group.h"
#include "base/outcome.h"

/* Stores the group in a transaction of its own, COMMIT included: looks first, and inserts then. in_parts: a row of
 * it breaks a rule, and is to be found. Nothing else may be on its way. */
enum outcome store_careful_insert(struct store_group *in, bool in_parts, struct err *err);
/* As that, but with a look first: if everything is there, nobody has to wait for the chain. *all_found tells. */
enum outcome store_careful_look_first(struct store_group *in, bool *all_found, struct err *err);

#endif
