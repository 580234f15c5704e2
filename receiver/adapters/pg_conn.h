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

/* Of the last error. Borrowed. */
const char *pg_conn_sqlstate(const struct pg_conn *conn);
/* Is the last error about this table, or about none in particular? */
bool pg_conn_error_is_about(const struct pg_conn *conn, const char *table);
/* What a statement_timeout may be, in milliseconds, for the server to give up a little before the deadline: then
 * the connection outlives it. */
int64_t pg_conn_statement_ms(int64_t deadline_ns);
/* False once it is lost. Reads what the server sent meanwhile, so it tells the truth after poll said "readable". */
bool pg_conn_is_open(struct pg_conn *conn);
int pg_conn_descriptor(const struct pg_conn *conn);
/* True if the server has warned of something since the last call. Around a COMMIT that means that it is not as
 * durable as synchronous_commit asks for: the wait for a standby was given up. */
bool pg_conn_take_warning(struct pg_conn *conn);

#endif
