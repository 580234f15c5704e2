/* store_pg: Alpine's table in PostgreSQL behind the store seam. */
#ifndef ALPINE_RECEIVER_STORE_PG_H
#define ALPINE_RECEIVER_STORE_PG_H

#include "seams/store.h"

/* url is borrowed for as long as the store lives; nothing is connected yet. schema_version is the one that the
 * migrations of this program lead to. transaction_ns is what a transaction has until its deadline: the database
 * ends its statements by then. A transaction that has less left sets a limit of its own; for looks and probes that
 * have less, only the deadline counts. NULL when out of memory. */
struct store *store_pg_new(const char *url, int schema_version, int64_t transaction_ns);
/* Before it is opened: tells each error of the database from now on. */
void store_pg_watch(struct store *store, const struct store_watch *watch);
void store_pg_free(struct store *store);

#endif
