/* store_statements: the SQL that every group runs, in the order in which it does. */
#ifndef ALPINE_RECEIVER_STORE_STATEMENTS_H
#define ALPINE_RECEIVER_STORE_STATEMENTS_H

#include "adapters/pg_conn.h"
#include "adapters/store_columns.h"
#include "adapters/store_params.h"

enum store_statement {
    STATEMENT_BEGIN,
    STATEMENT_CHECK_AT_ONCE,
    STATEMENT_TAKE_CHAIN, /* parameter: how many milliseconds the transaction has; the last column: "free", or not
                           */
    STATEMENT_TAKE_CHAIN_IN_SESSION, /* as STATEMENT_TAKE_CHAIN, where the session's limits do; no parameter */
    STATEMENT_FOLLOW, /* as STATEMENT_TAKE_CHAIN, after STATEMENT_TAKE_TURN; a STATEMENT_MARK has to come behind the
                         COMMIT */
    STATEMENT_INSERT, /* parameters: store_statements_insert_params */
    STATEMENT_INSERT_ONE, /* the same, for one row */
    STATEMENT_COMMIT,
    STATEMENT_TAKE_TURN, /* as STATEMENT_TAKE_CHAIN */
    STATEMENT_MARK,      /* the same parameter: its transaction's end waits until all before it is on the disk */
    STATEMENT_LOOK_UP,   /* parameters: arrays of hash, signal_id, provider */
    STATEMENT_COUNT
};

struct store_statements {
    struct pg_statement list[STATEMENT_COUNT];
    int32_t session_ms; /* the limit of a statement in a session that is ours */
    struct store_column columns[STORE_COLUMNS_MAX];
    size_t column_count;
    struct buf insert_sql;
    struct buf insert_one_sql;
    Oid insert_types[STORE_PARAMS_MAX];
    Oid insert_one_types[STORE_PARAMS_MAX];
};

/* transaction_ns: see store_pg_new. Returns -1 when out of memory. */
MUST_CHECK int store_statements_init(struct store_statements *statements, int64_t transaction_ns);
void store_statements_clear(struct store_statements *statements);
/* On a new connection; with a session that is not ours there is nothing to be done. */
MUST_CHECK int store_statements_prepare(const struct store_statements *statements, struct pg_conn *conn,
                                        int64_t deadline_ns, struct err *err);

/* The parameters of STATEMENT_INSERT, or of STATEMENT_INSERT_ONE if it is one row, and of STATEMENT_LOOK_UP. -1
 * when out of memory. The turn is passed on before row pass_turn_at is inserted, counted from 1; 0: there is none
 * to be passed on. */
MUST_CHECK int store_statements_insert_params(const struct store_statements *statements,
                                              struct store_params *params, struct store_row **rows, size_t count,
                                              size_t pass_turn_at);
MUST_CHECK int store_statements_look_up_params(const struct store_statements *statements,
                                               struct store_params *params, struct store_row **rows, size_t count);

#endif
