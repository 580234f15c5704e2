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
    bool broken;
    bool warned;
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

static int lost(struct pg_conn *conn, struct err *err, const char *what)
{
    conn->broken = true;
    conn->sqlstate[0] = '\0';
    return err_set(err, "%s", what);
}

static int send_all(struct pg_conn *conn, int64_t deadline_ns, struct err *err)
{
    for (;;) {
        int more = PQflush(conn->pg);
        if (more == 0)
            return 0;
        if (more < 0)
            return lost(conn, err, "the database connection is lost");
        if (wait_socket(conn, POLLIN | POLLOUT, deadline_ns))
            return lost(conn, err, "the database took too long");
        if (!PQconsumeInput(conn->pg))
            return lost(conn, err, "the database connection is lost");
    }
}

static int wait_result(struct pg_conn *conn, int64_t deadline_ns, struct err *err)
{
    while (PQisBusy(conn->pg)) {
        if (wait_socket(conn, POLLIN, deadline_ns))
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

static void keep_error(struct pg_conn *conn, const PGresult *result, struct err *err)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *table = PQresultErrorField(result, PG_DIAG_TABLE_NAME);
    (void)snprintf(conn->sqlstate, sizeof conn->sqlstate, "%s", state ? state : "");
    (void)snprintf(conn->table, sizeof conn->table, "%s", table ? table : "");
    if (PQstatus(conn->pg) == CONNECTION_BAD)
        conn->broken = true;
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
    int sent = params ? PQsendQueryParams(conn->pg, sql, params->count, params->types, params->values,
                                          params->lengths, params->formats, 0)
                      : PQsendQuery(conn->pg, sql);
    conn->sqlstate[0] = '\0';
    if (!sent) {
        (void)lost(conn, err, "the database connection is lost");
        return NULL;
    }
    if (send_all(conn, deadline_ns, err))
        return NULL;
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

const char *pg_conn_sqlstate(const struct pg_conn *conn)
{
    return conn->sqlstate;
}

bool pg_conn_error_is_about(const struct pg_conn *conn, const char *table)
{
    return !conn->table[0] || !strcmp(conn->table, table);
}

int64_t pg_conn_statement_ms(int64_t deadline_ns)
{
    int64_t left = (deadline_ns - clock_monotonic_ns()) / NS_PER_MS;
    int64_t ms = left > 2L * GIVE_UP_BEFORE_MS ? left - GIVE_UP_BEFORE_MS : left / 2;
    return ms > 0 ? ms : 1;
}

bool pg_conn_is_open(struct pg_conn *conn)
{
    if (!conn->broken && (!PQconsumeInput(conn->pg) || PQstatus(conn->pg) != CONNECTION_OK))
        conn->broken = true;
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
