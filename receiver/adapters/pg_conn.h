/* pg_conn: a libpq connection whose every call has a deadline. Belongs to one thread at a time. */
#ifndef ALPINE_RECEIVER_PG_CONN_H
#define ALPINE_RECEIVER_PG_CONN_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct pg_conn;

/* Parameters of one statement; types are PostgreSQL's OIDs, 0: let it infer. */
struct pg_params {
    int count;
    const Oid *types;
    const char *const *values;
    const int *lengths;
    const int *formats; /* 0 text, 1 binary */
};

/* A statement that is run often. */
struct pg_statement {
    const char *name; /* of the prepared statement */
    const char *sql;
    int count; /* of parameters */
    const Oid *types;
};

/* Connects to the first host of url that takes writes, within the deadline. Keepalives notice a server that
 * vanished in about 3 s. Returns NULL and the reason, without any part of the url, in err. */
struct pg_conn *pg_conn_open(const char *url, int64_t deadline_ns, struct err *err);
void pg_conn_close(struct pg_conn *conn);

/* Runs sql and returns the result of its last statement, NULL on error. Without params, sql may hold several
 * statements. After NULL, pg_conn_sqlstate tells why; when it is "" the connection is lost or the deadline is over
 * (then it is closed: what the server did is in doubt). PQclear frees the result. */
PGresult *pg_conn_run(struct pg_conn *conn, const char *sql, const struct pg_params *params, int64_t deadline_ns,
                      struct err *err);
/* The same for statements that return nothing of interest. */
MUST_CHECK int pg_conn_do(struct pg_conn *conn, const char *sql, int64_t deadline_ns, struct err *err);

/* Whether what is set or prepared in the session stays there for us: not behind a pooler, which gives each
 * transaction another one. */
bool pg_conn_is_ours(const struct pg_conn *conn);
/* Only if the session is ours. */
MUST_CHECK int pg_conn_prepare(struct pg_conn *conn, const struct pg_statement *statement, int64_t deadline_ns,
                               struct err *err);
/* Statements in a row, without a wait for each one's answer: each queue adds one (params may be NULL), send hands
 * all of them over, and each await waits for the end of what one send handed over. An error skips the rest of that,
 * and nothing of what the next send handed over. The server keeps its answers back until all are there, or until
 * the place of a queue_flush. If the session is ours, the statement must have been prepared; else its text is sent
 * every time. */
MUST_CHECK int pg_conn_queue(struct pg_conn *conn, const struct pg_statement *statement,
                             const struct pg_params *params, struct err *err);
MUST_CHECK int pg_conn_queue_flush(struct pg_conn *conn, struct err *err);
MUST_CHECK int pg_conn_send(struct pg_conn *conn, struct err *err);
/* The result of the next statement alone, or NULL on error, as pg_conn_run's; then the rest of what was sent with
 * it is over too. */
PGresult *pg_conn_await_next(struct pg_conn *conn, int64_t deadline_ns, struct err *err);
/* The result of the last statement that was sent, or NULL on error. */
PGresult *pg_conn_await(struct pg_conn *conn, int64_t deadline_ns, struct err *err);

/* Tells on_error the SQLSTATE of each error from now on, "" for the loss of the connection (once). */
void pg_conn_watch(struct pg_conn *conn, void (*on_error)(void *context, const char *sqlstate), void *context);
/* Of the last error. Borrowed. */
const char *pg_conn_sqlstate(const struct pg_conn *conn);
/* Is the last error about this table, or about none in particular? */
bool pg_conn_error_is_about(const struct pg_conn *conn, const char *table);
/* What a statement_timeout may be, in milliseconds, for the server to give up a little before the deadline: then
 * the connection outlives it. */
int64_t pg_conn_statement_ms(int64_t deadline_ns);
/* The same for what is that long. */
int64_t pg_conn_limit_ms(int64_t left_ns);
/* False once it is lost. Reads what the server sent meanwhile, so it tells the truth after poll said "readable". */
bool pg_conn_is_open(struct pg_conn *conn);
int pg_conn_descriptor(const struct pg_conn *conn);
/* True if the server has warned of something since the last call. Around a COMMIT that means that it is not as
 * durable as synchronous_commit asks for: the wait for a standby was given up. */
bool pg_conn_take_warning(struct pg_conn *conn);

#endif
