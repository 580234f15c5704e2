/* store_group: rows on their way into the table, as the files that take them there share it. */
#ifndef ALPINE_RECEIVER_STORE_GROUP_H
#define ALPINE_RECEIVER_STORE_GROUP_H

#include "adapters/pg_conn.h"
#include "adapters/store_statements.h"

/* Receivers that share a database take turns, so that who waits puts its group together late. This is only a matter
 * of order: what keeps the chain whole is its lock alone. */
enum store_turn {
    TURN_NONE,
    TURN_NEXT,  /* the transaction is open, and this session is the next one to take the chain's lock */
    TURN_CHAIN, /* the transaction is open, and has the chain's lock: where the session is not ours, or no mark
                   may be written */
};

/* One group on its way; zero-initialise it ({0}), and clear it in the end (store_insert.h). It can be used again
 * after each confirm. The first members are set by the caller, and borrowed; the rest is for those who take it
 * there. */
struct store_group {
    struct pg_conn *conn;
    const struct store_statements *statements;
    struct store_row **rows;
    size_t count;
    int64_t deadline_ns;
    bool may_mark; /* STATEMENT_MARK is allowed */

    enum store_turn turn;
    bool has_waited;  /* for the turn or for the chain's lock: somebody else writes too */
    bool looks_first; /* most of the rows are expected to be there */
    bool is_sent;
    bool is_marked; /* its COMMIT need not wait for the disk; a mark behind it does */
    bool is_committed;
    struct store_row **fresh; /* room for rows that are inserted together */
    size_t fresh_room;
};

#endif
