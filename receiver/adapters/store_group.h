/* store_group: rows on their way into the table, as the files that take them there share it. */
#ifndef ALPINE_RECEIVER_STORE_GROUP_H
#define ALPINE_RECEIVER_STORE_GROUP_H

#include "adapters/pg_conn.h"
#include "adapters/store_statements.h"

/* One group on its way; zero-initialise it ({0}), and clear it in the end (store_insert.h). It can be used again
 * after each confirm. The first members are set by the caller, and borrowed; the rest is for those who take it
 * there. */
struct store_group {
    struct pg_conn *conn;
    const struct store_statements *statements;
    struct store_row **rows;
    size_t count;
    int64_t deadline_ns;

    bool has_turn;    /* the transaction is open, and has the chain's lock */
    bool has_waited;  /* for the chain's lock: somebody else writes too */
    bool looks_first; /* most of the rows are expected to be there */
    bool is_sent;
    bool is_committed;
    struct store_row **fresh; /* room for rows that are inserted together */
    size_t fresh_room;
};

#endif
