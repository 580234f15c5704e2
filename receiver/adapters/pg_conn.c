/* pg_conn: libpq's asynchronous calls and poll. Knows nothing of signals. */
#include "adapters/pg_conn.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/pg_connect.h"
#include "base/clock.h"

enum { GIVE_UP_BEFORE_MS = 100 };

struct pg_conn {
    PGconn *pg;
    char sqlstate[6];
    char table[64]; /* that the last error is about; "" if none in particular */
    bool is_ours;   /* nobody stands between us and one session */
    bool broken;
    bool warned;
    void (*on_error)(void *context, const char *sqlstate); /* or NULL */
    void *on_error_context;
};

/* The warning that a commit was not confirmed by a standby has only the general code 01000, and its text may be
 * translated (src/backend/replication/syncrep.c); so any warning counts. */
static void on_notice(void *self, const PGresult *result)
{
    struct pg_conn *conn = self;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity && !strcmp(severity, "WARNING"))
        conn->warned = true;
}

/* Waits until the socket is ready. Returns -1 once the deadline has passed. */
static int wait_socket(struct pg_conn *conn, short events, int64_t deadline_ns)
{
    struct pollfd wait = {.fd = PQsocket(conn->pg), .events = events};
    for (;;) {
        int64_t left = deadline_ns - clock_monotonic_ns();
        if (left <= 0 || wait.fd < 0)
            return -1;
        int64_t ms = left / NS_PER_MS + 1;
        int ready = poll(&wait, 1, ms > INT_MAX ? INT_MAX : (int)ms);
        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR)
            return -1;
    }
}

/* A pooler tells its clients process ids of its own making. */
static int find_out_whose(struct pg_conn *conn, int64_t deadline_ns, struct err *err)
{
    PGresult *result = pg_conn_run(conn, "SELECT pg_backend_pid()", NULL, deadline_ns, err);
    if (!result)
        return -1;
    conn->is_ours = strtol(PQgetvalue(result, 0, 0), NULL, 10) == PQbackendPID(conn->pg);
    PQclear(result);
    return 0;
}

struct pg_conn *pg_conn_open(const char *url, int64_t deadline_ns, struct err *err)
{
    struct pg_conn *conn = calloc(1, sizeof *conn);
    if (!conn) {
        err_set(err, "out of memory");
        return NULL;
    }
    conn->pg = pg_connect(url, deadline_ns, err);
    if (!conn->pg)
        goto failed;
    (void)PQsetNoticeReceiver(conn->pg, on_notice, conn);
    if (PQsetnonblocking(conn->pg, 1)) {
        err_set(err, "cannot make the database connection non-blocking");
        goto failed;
    }
    if (!find_out_whose(conn, deadline_ns, err))
        return conn;
failed:
    pg_conn_close(conn);
    return NULL;
}

void pg_conn_close(struct pg_conn *conn)
{
    if (!conn)
        return;
    PQfinish(conn->pg);
    free(conn);
}

static void tell_error(const struct pg_conn *conn, const char *sqlstate)
{
    if (conn->on_error)
        conn->on_error(conn->on_error_context, sqlstate);
}

static void set_broken(struct pg_conn *conn)
{
    if (!conn->broken)
        tell_error(conn, "");
    conn->broken = true;
}

static int lost(struct pg_conn *conn, struct err *err, const char *what)
{
    set_broken(conn);
    conn->sqlstate[0] = '\0';
    return err_set(err, "%s", what);
}

/* What could not be sent at once goes out meanwhile. */
static int wait_result(struct pg_conn *conn, int64_t deadline_ns, struct err *err)
{
    while (PQisBusy(conn->pg)) {
        int more = PQflush(conn->pg);
        if (more < 0)
            return lost(conn, err, "the database connection is lost");
        if (wait_socket(conn, more ? POLLIN | POLLOUT : POLLIN, deadline_ns))
            return lost(conn, err, "the database took too long");
        if (!PQconsumeInput(conn->pg))
            return lost(conn, err, "the database connection is lost");
    }
    return 0;
}

static bool is_error(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK;
}

/* What was prepared does not fit the table any more, or is gone: a new connection prepares it anew. */
static bool is_stale(const char *sqlstate)
{
    return !strcmp(sqlstate, "0A000") || !strcmp(sqlstate, "26000");
}

static void keep_error(struct pg_conn *conn, const PGresult *result, struct err *err)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *table = PQresultErrorField(result, PG_DIAG_TABLE_NAME);
    (void)snprintf(conn->sqlstate, sizeof conn->sqlstate, "%s", state ? state : "");
    (void)snprintf(conn->table, sizeof conn->table, "%s", table ? table : "");
    tell_error(conn, conn->sqlstate);
    if (PQstatus(conn->pg) == CONNECTION_BAD || is_stale(conn->sqlstate))
        conn->broken = true; /* told already */
    char what[32];
    (void)snprintf(what, sizeof what, "the database says (%s)", state ? state : "connection");
    pg_connect_error(err, what, text ? text : PQresultErrorMessage(result));
}

/* Reads every result of what was sent; keeps the last good one, or none after an error. */
static PGresult *collect(struct pg_conn *conn, int64_t deadline_ns, struct err *err)
{
    PGresult *last = NULL;
    bool failed = false;
    for (;;) {
        if (wait_result(conn, deadline_ns, err)) {
            PQclear(last);
            return NULL;
        }
        PGresult *result = PQgetResult(conn->pg);
        if (!result)
            break;
        PQclear(last);
        last = result;
        if (!failed && is_error(result)) {
            keep_error(conn, result, err);
            failed = true;
        }
    }
    if (!failed && last)
        return last;
    if (!failed)
        (void)lost(conn, err, "the database connection is lost");
    PQclear(last);
    return NULL;
}

PGresult *pg_conn_run(struct pg_conn *conn, const char *sql, const struct pg_params *params, int64_t deadline_ns,
                      struct err *err)
{
    if (PQpipelineStatus(conn->pg) != PQ_PIPELINE_OFF && !PQexitPipelineMode(conn->pg)) {
        (void)lost(conn, err, "the database still owes an answer");
        return NULL;
    }
    int sent = params ? PQsendQueryParams(conn->pg, sql, params->count, params->types, params->values,
                                          params->lengths, params->formats, 0)
                      : PQsendQuery(conn->pg, sql);
    conn->sqlstate[0] = '\0';
    if (!sent) {
        (void)lost(conn, err, "the database connection is lost");
        return NULL;
    }
    return collect(conn, deadline_ns, err);
}

int pg_conn_do(struct pg_conn *conn, const char *sql, int64_t deadline_ns, struct err *err)
{
    PGresult *result = pg_conn_run(conn, sql, NULL, deadline_ns, err);
    if (!result)
        return -1;
    PQclear(result);
    return 0;
}

/* --- statements in a row ----------------------------------------------------------------------------------- */

bool pg_conn_is_ours(const struct pg_conn *conn)
{
    return conn->is_ours;
}

int pg_conn_prepare(struct pg_conn *conn, const struct pg_statement *statement, int64_t deadline_ns,
                    struct err *err)
{
    if (!PQsendPrepare(conn->pg, statement->name, statement->sql, statement->count, statement->types))
        return lost(conn, err, "the database connection is lost");
    PGresult *result = collect(conn, deadline_ns, err);
    PQclear(result);
    return result ? 0 : -1;
}

int pg_conn_queue(struct pg_conn *conn, const struct pg_statement *statement, const struct pg_params *params,
                  struct err *err)
{
    static const struct pg_params none;
    if (!params)
        params = &none;
    int queued = PQenterPipelineMode(conn->pg);
    if (queued && conn->is_ours)
        queued = PQsendQueryPrepared(conn->pg, statement->name, params->count, params->values, params->lengths,
                                     params->formats, 0);
    else if (queued)
        queued = PQsendQueryParams(conn->pg, statement->sql, params->count, params->types, params->values,
                                   params->lengths, params->formats, 0);
    return queued ? 0 : lost(conn, err, "the database connection is lost");
}

int pg_conn_queue_flush(struct pg_conn *conn, struct err *err)
{
    return PQsendFlushRequest(conn->pg) ? 0 : lost(conn, err, "the database connection is lost");
}

int pg_conn_send(struct pg_conn *conn, struct err *err)
{
    if (PQpipelineSync(conn->pg) && PQflush(conn->pg) >= 0)
        return 0;
    return lost(conn, err, "the database connection is lost");
}

/* libpq ends each statement's results with a NULL, and what one send handed over with a PGRES_PIPELINE_SYNC. Two
 * NULLs in a row: it expects nothing any more. */
static PGresult *next_in_row(struct pg_conn *conn, int64_t deadline_ns, struct err *err)
{
    for (int i = 0; i < 2; i++) {
        if (wait_result(conn, deadline_ns, err))
            return NULL;
        PGresult *result = PQgetResult(conn->pg);
        if (result)
            return result;
    }
    (void)lost(conn, err, "the database connection is lost");
    return NULL;
}

/* Reads over what is left until the end of what was sent; after an error that is PGRES_PIPELINE_ABORTED. */
static PGresult *fail_in_row(struct pg_conn *conn, PGresult *failed, int64_t deadline_ns, struct err *err)
{
    struct err ignored;
    bool ended = false;
    if (failed)
        keep_error(conn, failed, err);
    while (failed && !ended) {
        PQclear(failed);
        failed = next_in_row(conn, deadline_ns, &ignored);
        ended = failed && PQresultStatus(failed) == PGRES_PIPELINE_SYNC;
    }
    PQclear(failed);
    return NULL;
}

PGresult *pg_conn_await_next(struct pg_conn *conn, int64_t deadline_ns, struct err *err)
{
    conn->sqlstate[0] = '\0';
    PGresult *result = next_in_row(conn, deadline_ns, err);
    return result && !is_error(result) ? result : fail_in_row(conn, result, deadline_ns, err);
}

PGresult *pg_conn_await(struct pg_conn *conn, int64_t deadline_ns, struct err *err)
{
    PGresult *last = NULL;
    PGresult *result;
    conn->sqlstate[0] = '\0';
    while ((result = next_in_row(conn, deadline_ns, err)) && !is_error(result)) {
        PQclear(last);
        last = result;
    }
    if (result && PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        PQclear(result);
        return last;
    }
    PQclear(last);
    return fail_in_row(conn, result, deadline_ns, err);
}

/* --- what it is like --------------------------------------------------------------------------------------- */

void pg_conn_watch(struct pg_conn *conn, void (*on_error)(void *context, const char *sqlstate), void *context)
{
    conn->on_error = on_error;
    conn->on_error_context = context;
}

const char *pg_conn_sqlstate(const struct pg_conn *conn)
{
    return conn->sqlstate;
}

bool pg_conn_error_is_about(const struct pg_conn *conn, const char *table)
{
    return !conn->table[0] || !strcmp(conn->table, table);
}

int64_t pg_conn_limit_ms(int64_t left_ns)
{
    int64_t left = left_ns / NS_PER_MS;
    int64_t ms = left > 2L * GIVE_UP_BEFORE_MS ? left - GIVE_UP_BEFORE_MS : left / 2;
    return ms > 0 ? ms : 1;
}

int64_t pg_conn_statement_ms(int64_t deadline_ns)
{
    return pg_conn_limit_ms(deadline_ns - clock_monotonic_ns());
}

bool pg_conn_is_open(struct pg_conn *conn)
{
    if (!conn->broken && (!PQconsumeInput(conn->pg) || PQstatus(conn->pg) != CONNECTION_OK))
        set_broken(conn);
    return !conn->broken;
}

int pg_conn_descriptor(const struct pg_conn *conn)
{
    return PQsocket(conn->pg);
}

bool pg_conn_take_warning(struct pg_conn *conn)
{
    bool warned = conn->warned;
    conn->warned = false;
    return warned;
}
