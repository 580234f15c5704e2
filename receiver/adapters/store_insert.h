/* store_insert: a group of rows into the table and its chain, in one transaction. */
#ifndef ALPINE_RECEIVER_STORE_INSERT_H
#define ALPINE_RECEIVER_STORE_INSERT_H

#include "adapters/pg_conn.h"
#include "adapters/store_columns.h"
#include "adapters/store_statements.h"
#include "base/outcome.h"

/* One group on its way; zero-initialise it ({0}), and clear it in the end. It can be used again after each confirm.
 * The first members are set by the caller, and borrowed; the rest is store_insert's. */
struct store_insert {
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

/* Opens the transaction, and waits for the chain's lock. The rows need not be known yet. */
enum outcome store_insert_take_turn(struct store_insert *insert, struct err *err);
/* Ends what take_turn has opened, if it has. */
void store_insert_leave_turn(struct store_insert *insert);
/* As struct store_ops' send. Nothing is sent before settle if the rows have to be looked up first, or if another
 * transaction is under way in a session that is not ours: pgbouncer 1.18 may give the second one's parts to
 * different servers. */
void store_insert_send(struct store_insert *insert, bool looks_first, bool under_way);
/* As struct store_ops' settle. *expects_duplicates: for the next send. */
enum outcome store_insert_settle(struct store_insert *insert, bool *expects_duplicates, struct err *err);
/* As struct store_ops' confirm. */
enum outcome store_insert_confirm(struct store_insert *insert, struct err *err);
void store_insert_clear(struct store_insert *insert);

#endif
