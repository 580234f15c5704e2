/* store_step: what the usual and the careful way have in common. Each step says how it ended. */
#include "adapters/store_step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sqlstate.h"
#include "adapters/store_look_up.h"

#define UNIQUE_VIOLATION "23505"

enum step store_step_after_error(struct pg_conn *conn)
{
    if (!strcmp(pg_conn_sqlstate(conn), UNIQUE_VIOLATION) && pg_conn_error_is_about(conn, "signals"))
        return STEP_TAKEN;
    switch (sqlstate_action(pg_conn_sqlstate(conn))) {
    case SQLSTATE_RETRY:
        return STEP_RACE;
    case SQLSTATE_BAD_ROW:
        /* A rule of another table, which a trigger of Alpine's writes to, is not this row's fault. */
        return pg_conn_error_is_about(conn, "signals") ? STEP_BAD_ROW : STEP_FAILED;
    case SQLSTATE_UNAVAILABLE:
        break;
    }
    return STEP_FAILED;
}

enum step store_step_run(struct store_group *in, const char *sql, struct err *err)
{
    return pg_conn_do(in->conn, sql, in->deadline_ns, err) ? store_step_after_error(in->conn) : STEP_DONE;
}

enum step store_step_no_memory(struct err *err)
{
    err_set(err, "out of memory");
    return STEP_FAILED;
}

/* --- statements of a transaction ---------------------------------------------------------------------------- */

static int queue(struct store_group *in, enum store_statement statement, struct err *err)
{
    return pg_conn_queue(in->conn, &in->statements->list[statement], NULL, err);
}

void store_step_note_wait(struct store_group *in, const PGresult *result)
{
    in->has_waited |= strcmp(PQgetvalue(result, 0, PQnfields(result) - 1), "free") != 0;
}

/* What takes a lock. */
static int queue_wait(struct store_group *in, enum store_statement statement, struct err *err)
{
    char limit_ms[24];
    const char *values[] = {limit_ms};
    const struct pg_statement *wait = &in->statements->list[statement];
    const struct pg_params params = {.count = 1, .types = wait->types, .values = values};
    (void)snprintf(limit_ms, sizeof limit_ms, "%lld", (long long)pg_conn_statement_ms(in->deadline_ns));
    return pg_conn_queue(in->conn, wait, &params, err);
}

static int queue_opening(struct store_group *in, enum store_statement wait, struct err *err)
{
    bool session_does = wait == STATEMENT_TAKE_CHAIN && pg_conn_is_ours(in->conn) &&
                        pg_conn_statement_ms(in->deadline_ns) >= in->statements->session_ms;
    if (queue(in, STATEMENT_BEGIN, err) || queue(in, STATEMENT_CHECK_AT_ONCE, err))
        return -1;
    return session_does ? queue(in, STATEMENT_TAKE_CHAIN_IN_SESSION, err) : queue_wait(in, wait, err);
}

static int queue_chain(struct store_group *in, struct err *err)
{
    switch (in->turn) {
    case TURN_NONE:
        return queue_opening(in, STATEMENT_TAKE_CHAIN, err);
    case TURN_NEXT:
        return queue_wait(in, STATEMENT_FOLLOW, err);
    case TURN_CHAIN:
        break;
    }
    return 0;
}

static int queue_rows(struct store_group *in, const struct pg_params *rows, size_t count, struct err *err)
{
    enum store_statement insert = count == 1 ? STATEMENT_INSERT_ONE : STATEMENT_INSERT;
    return pg_conn_queue(in->conn, &in->statements->list[insert], rows, err);
}

/* The INSERT's answer is wanted as soon as it is there: the next group is built while the COMMIT waits for the
 * disk. Behind one row there is seldom another group, and its answer would only delay its own COMMIT. Where turns
 * are taken, the next group is another receiver's. It need not wait for the disk: the log keeps the order. */
static int queue_whole(struct store_group *in, const struct pg_params *rows, size_t count, struct err *err)
{
    in->is_marked = in->turn == TURN_NEXT;
    if (queue_chain(in, err) || queue_rows(in, rows, count, err))
        return -1;
    if (count > 1 && !in->is_marked && pg_conn_queue_flush(in->conn, err))
        return -1;
    if (queue(in, STATEMENT_COMMIT, err))
        return -1;
    return in->is_marked ? queue_wait(in, STATEMENT_MARK, err) : 0;
}

int store_step_send_rows(struct store_group *in, bool whole, struct store_row **rows, size_t count, struct err *err)
{
    struct store_params params = {0};
    int status = -1;
    /* what is left takes about as long as the next receiver takes to put its group together */
    size_t pass_turn_at = whole && in->turn == TURN_NEXT ? count - count / 4 : 0;
    if (store_statements_insert_params(in->statements, &params, rows, count, pass_turn_at)) {
        err_set(err, "out of memory");
        goto out;
    }
    struct pg_params view = store_params_view(&params);
    status = whole ? queue_whole(in, &view, count, err) : queue_rows(in, &view, count, err);
    if (!status)
        status = pg_conn_send(in->conn, err);
out:
    store_params_clear(&params);
    return status;
}

enum step store_step_take_stored(const PGresult *result, struct store_row **rows, size_t count, struct err *err)
{
    bool whole = (size_t)PQntuples(result) == count;
    for (size_t i = 0; whole && i < count; i++)
        whole = !strcmp(PQgetvalue(result, (int)i, 1), rows[i]->signal->sha256);
    if (!whole) {
        err_set(err, "the database returned other rows than it was given");
        return STEP_FAILED;
    }
    for (size_t i = 0; i < count; i++) {
        rows[i]->verdict = STORE_STORED;
        rows[i]->id = strtoll(PQgetvalue(result, (int)i, 0), NULL, 10);
    }
    return STEP_DONE;
}

enum step store_step_after_insert(struct store_group *in, struct err *err)
{
    if (!strcmp(pg_conn_sqlstate(in->conn), STORE_LEFT_OUT))
        err_set(err, "a trigger of the table leaves this row out");
    return store_step_after_error(in->conn);
}

enum step store_step_await_rows(struct store_group *in, struct store_row **rows, size_t count, struct err *err)
{
    PGresult *result = pg_conn_await(in->conn, in->deadline_ns, err);
    if (!result)
        return store_step_after_insert(in, err);
    enum step step = store_step_take_stored(result, rows, count, err);
    PQclear(result);
    return step;
}

enum step store_step_look_up(struct store_group *in, struct store_row **rows, size_t count, struct err *err)
{
    bool failed = store_look_up_rows(in->conn, in->statements, rows, count, in->deadline_ns, err) != 0;
    return failed ? store_step_after_error(in->conn) : STEP_DONE;
}

/* Outside a transaction the mark is one of its own, which ends before the answers to what was sent do. */
static enum step await_mark(struct store_group *in, struct err *err)
{
    PGresult *result = pg_conn_await(in->conn, in->deadline_ns, err);
    PQclear(result);
    return result ? STEP_DONE : store_step_after_error(in->conn);
}

static enum step check_standby(struct store_group *in, struct err *err)
{
    if (!pg_conn_take_warning(in->conn))
        return STEP_DONE;
    err_set(err, "the standby did not confirm the commit");
    return STEP_FAILED;
}

enum step store_step_await_commit(struct store_group *in, struct err *err)
{
    PGresult *result = in->is_marked ? pg_conn_await_next(in->conn, in->deadline_ns, err)
                                     : pg_conn_await(in->conn, in->deadline_ns, err);
    if (!result)
        return store_step_after_error(in->conn);
    bool committed = !strcmp(PQcmdStatus(result), "COMMIT"); /* ROLLBACK: it was broken, whatever came before */
    PQclear(result);
    enum step step = in->is_marked ? await_mark(in, err) : STEP_DONE;
    if (step == STEP_DONE && !committed) {
        err_set(err, "the database rolled back instead of committing");
        step = STEP_FAILED;
    }
    return step == STEP_DONE ? check_standby(in, err) : step;
}

enum step store_step_commit(struct store_group *in, struct err *err)
{
    in->is_marked = false;
    (void)pg_conn_take_warning(in->conn);
    if (queue(in, STATEMENT_COMMIT, err) || pg_conn_send(in->conn, err))
        return STEP_FAILED;
    return store_step_await_commit(in, err);
}

enum step store_step_mark(struct store_group *in, struct err *err)
{
    (void)pg_conn_take_warning(in->conn);
    if (queue_wait(in, STATEMENT_MARK, err) || pg_conn_send(in->conn, err))
        return STEP_FAILED;
    enum step step = await_mark(in, err);
    return step == STEP_DONE ? check_standby(in, err) : step;
}

enum step store_step_roll_back(struct store_group *in, const char *sql, enum step step)
{
    struct err ignored;
    if (!pg_conn_is_open(in->conn) || pg_conn_do(in->conn, sql, in->deadline_ns, &ignored))
        return STEP_FAILED;
    return step;
}

enum step store_step_open(struct store_group *in, enum store_statement wait, struct err *err)
{
    if (queue_opening(in, wait, err) || pg_conn_send(in->conn, err))
        return STEP_FAILED;
    PGresult *result = pg_conn_await(in->conn, in->deadline_ns, err);
    if (!result)
        return store_step_after_error(in->conn);
    store_step_note_wait(in, result);
    PQclear(result);
    return STEP_DONE;
}

void store_step_forget(struct store_group *in)
{
    for (size_t i = 0; i < in->count; i++) {
        in->rows[i]->verdict = STORE_UNKNOWN;
        free(in->rows[i]->refusal);
        in->rows[i]->refusal = NULL;
    }
}

size_t store_step_count(const struct store_group *in, enum store_verdict verdict)
{
    size_t count = 0;
    for (size_t i = 0; i < in->count; i++)
        count += in->rows[i]->verdict == verdict;
    return count;
}
