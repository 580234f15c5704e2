/* store_insert: a group of rows into the table and its chain, in one transaction. */
#ifndef ALPINE_RECEIVER_STORE_INSERT_H
#define ALPINE_RECEIVER_STORE_INSERT_H

#include "adapters/store_group.h"
#include "base/outcome.h"

/* Opens the transaction, and waits for the turn (a second at most, where the session is ours). The rows need not be
 * known yet. */
enum outcome store_insert_take_turn(struct store_group *insert, struct err *err);
/* Ends what take_turn has opened, if it has. */
void store_insert_leave_turn(struct store_group *insert);
/* As struct store_ops' send. Nothing is sent before settle if the rows have to be looked up first, or if another
 * transaction is under way in a session that is not ours: pgbouncer 1.18 may give the second one's parts to
 * different servers. */
void store_insert_send(struct store_group *insert, bool looks_first, bool under_way);
/* As struct store_ops' settle. *expects_duplicates: for the next send. */
enum outcome store_insert_settle(struct store_group *insert, bool *expects_duplicates, struct err *err);
/* As struct store_ops' confirm. */
enum outcome store_insert_confirm(struct store_group *insert, struct err *err);
void store_insert_clear(struct store_group *insert);

#endif
