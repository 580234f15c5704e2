/* store_insert: one transaction a batch: take the chain's lock, read its tip, insert what is new, tell what was
 * not.
 *
 * The chain has no gaps and no forks because whoever extends it holds one advisory lock from before it reads the
 * tip until its COMMIT is visible. A transaction's lock (not a session's) works behind pgbouncer, and PostgreSQL
 * gives it back whatever happens to the connection.
 *
 * A row that breaks a rule of the table's would take all others along. The batch is tried as a whole first; only if
 * that fails, it is run again with a savepoint before each part of it, in parts that shrink until the row is alone.
 */
#include "adapters/store_insert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sqlstate.h"
#include "adapters/store_look_up.h"
#include "adapters/store_params.h"

enum { ATTEMPTS_MAX = 4 };

/* One round trip. The isolation level is said, whatever the database's default is: in a stricter one the snapshot
 * would be older than the lock, and the tip stale. synchronous_commit is raised where it was lowered and never
 * lowered where it is stricter; the time-outs keep a receiver that is stopped in mid-transaction from holding the
 * chain for ever, and end what nobody waits for any more. Warnings have to come: one tells that no standby
 * confirmed. */
static const char begin_sql[] = "BEGIN ISOLATION LEVEL READ COMMITTED; "
                                "SELECT set_config('synchronous_commit', 'on', true) "
                                "WHERE current_setting('synchronous_commit') IN ('off', 'local'); "
                                "SELECT set_config('statement_timeout', '%lld', true) "
                                "WHERE current_setting('statement_timeout')::interval "
                                "NOT BETWEEN interval '1ms' AND interval '%lld ms'; "
                                "SELECT set_config('client_min_messages', 'warning', true), "
                                "set_config('idle_in_transaction_session_timeout', '10s', true), "
                                "set_config('lock_timeout', '10s', true); "
                                "SELECT pg_advisory_xact_lock(" STORE_CHAIN_LOCK "); "
                                "SELECT chain_index, verification_hash FROM signals WHERE chain_index IS NOT NULL "
                                "ORDER BY chain_index DESC LIMIT 1";

/* Rules that are checked at the COMMIT are checked at once: after it no row could be found any more. */
static const char in_parts_sql[] = "SET CONSTRAINTS ALL IMMEDIATE; SAVEPOINT part";
static const char keep_part_sql[] = "RELEASE SAVEPOINT part; SAVEPOINT part";
static const char undo_part_sql[] = "ROLLBACK TO SAVEPOINT part";

static const char may_confirm_sql[] =
    "SELECT current_setting('synchronous_standby_names') <> '' AND "
    "has_function_privilege('pg_logical_emit_message(bool, text, text)', 'EXECUTE')";
static const char confirm_sql[] = "SELECT pg_logical_emit_message(true, 'alpine-receiver', 'found')";

/* How a step of the transaction ended. */
enum step {
    STEP_DONE,
    STEP_RACE,    /* lost against another writer: run the transaction again */
    STEP_BAD_ROW, /* a row breaks a rule */
    STEP_FAILED,  /* the database cannot now */
};

struct transaction {
    const struct store_insert *in;
    struct buf tip_hash; /* of the newest row of the chain; empty: there is none */
    int tip_index;
};

static enum step step_after_error(struct pg_conn *conn)
{
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

static enum step run(struct transaction *tx, const char *sql, struct err *err)
{
    return pg_conn_do(tx->in->conn, sql, tx->in->deadline_ns, err) ? step_after_error(tx->in->conn) : STEP_DONE;
}

static enum step out_of_memory(struct err *err)
{
    err_set(err, "out of memory");
    return STEP_FAILED;
}

/* --- the chain's tip --------------------------------------------------------------------------------------- */

static void set_tip(struct transaction *tx, int index, const char *hash)
{
    tx->tip_index = index;
    buf_reset(&tx->tip_hash);
    buf_add_text(&tx->tip_hash, hash);
}

static enum step begin(struct transaction *tx, struct err *err)
{
    char sql[sizeof begin_sql + 64];
    long long limit_ms = (long long)pg_conn_statement_ms(tx->in->deadline_ns);
    (void)snprintf(sql, sizeof sql, begin_sql, limit_ms, limit_ms);
    PGresult *tip = pg_conn_run(tx->in->conn, sql, NULL, tx->in->deadline_ns, err);
    if (!tip)
        return step_after_error(tx->in->conn);
    bool empty = PQntuples(tip) == 0;
    set_tip(tx, empty ? -1 : (int)strtol(PQgetvalue(tip, 0, 0), NULL, 10), empty ? "" : PQgetvalue(tip, 0, 1));
    PQclear(tip);
    return tx->tip_hash.failed ? out_of_memory(err) : STEP_DONE;
}

/* --- inserting some rows ----------------------------------------------------------------------------------- */

/* Of rows with the same hash one is taken as the stored one: within a request the first, which the INSERT takes. */
static int compare_hashes(const void *a, const void *b)
{
    struct store_row *const *left = a;
    struct store_row *const *right = b;
    int order = strcmp((*left)->signal->sha256, (*right)->signal->sha256);
    if (order)
        return order;
    uintptr_t first = (uintptr_t)*left;
    uintptr_t second = (uintptr_t)*right;
    return (first > second) - (first < second);
}

static struct store_row *first_with_hash(struct store_row **sorted, size_t count, const char *hash)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(sorted[middle]->signal->sha256, hash) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && !strcmp(sorted[low]->signal->sha256, hash) ? sorted[low] : NULL;
}

/* Marks the rows that the INSERT returned, and moves the tip. A gap in the chain means that somebody who does not
 * take its lock has stored one of them meanwhile. */
static enum step mark_stored(struct transaction *tx, const PGresult *result, struct store_row **sorted,
                             size_t count, struct err *err)
{
    int stored = PQntuples(result);
    int newest = -1;
    int last = tx->tip_index;
    for (int i = 0; i < stored; i++) {
        struct store_row *row = first_with_hash(sorted, count, PQgetvalue(result, i, 1));
        int index = (int)strtol(PQgetvalue(result, i, 2), NULL, 10);
        if (!row)
            break;
        row->verdict = STORE_STORED;
        row->id = strtoll(PQgetvalue(result, i, 0), NULL, 10);
        if (index > last) {
            last = index;
            newest = i;
        }
    }
    if (last != tx->tip_index + stored) {
        err_set(err, "another writer inserts the same signals without the chain's lock");
        return STEP_RACE;
    }
    if (newest >= 0)
        set_tip(tx, last, PQgetvalue(result, newest, 1));
    return tx->tip_hash.failed ? out_of_memory(err) : STEP_DONE;
}

static int add_params(struct transaction *tx, struct store_params *params, struct store_row **rows, size_t count,
                      char index[16])
{
    for (size_t i = 0; i < tx->in->column_count; i++)
        if (store_params_add_column(params, &tx->in->columns[i], rows, count))
            return -1;
    (void)snprintf(index, 16, "%d", tx->tip_index);
    store_params_add_scalar(params, "int4", index);
    store_params_add_scalar(params, "text", tx->tip_hash.len ? tx->tip_hash.data : NULL);
    return 0;
}

static enum step insert_part(struct transaction *tx, struct store_row **rows, size_t count, struct err *err)
{
    struct store_params params = {0};
    char index[16];
    enum step step = STEP_FAILED;
    PGresult *result = NULL;
    struct store_row **sorted = malloc(count * sizeof *sorted);
    if (!sorted || add_params(tx, &params, rows, count, index)) {
        step = out_of_memory(err);
        goto out;
    }
    struct pg_params view = store_params_view(&params);
    result = pg_conn_run(tx->in->conn, tx->in->sql, &view, tx->in->deadline_ns, err);
    if (!result) {
        step = step_after_error(tx->in->conn);
        goto out;
    }
    memcpy(sorted, rows, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_hashes);
    step = mark_stored(tx, result, sorted, count, err);
out:
    PQclear(result);
    store_params_clear(&params);
    free(sorted);
    return step;
}

/* --- finding the rows that the table refuses --------------------------------------------------------------- */

static enum step refuse(struct store_row *row, struct err *err)
{
    row->verdict = STORE_REFUSED;
    row->refusal = strdup(err->message);
    return row->refusal ? STEP_DONE : out_of_memory(err);
}

/* A part that fails is undone and halved, down to one row; after one that goes in, the next may be twice as large.
 * So a few bad rows cost a few statements each, and a batch of bad rows costs one statement a row. */
static enum step insert_in_parts(struct transaction *tx, struct err *err)
{
    size_t size = tx->in->count;
    size_t at = 0;
    enum step step = run(tx, in_parts_sql, err);
    while (step == STEP_DONE && at < tx->in->count) {
        size_t left = tx->in->count - at;
        size_t count = size < left ? size : left;
        struct store_row **rows = tx->in->rows + at;
        step = insert_part(tx, rows, count, err);
        if (step == STEP_BAD_ROW) {
            struct err why = *err;
            step = run(tx, undo_part_sql, err);
            if (step == STEP_DONE && count == 1)
                step = refuse(rows[0], &why);
            at += count == 1;
            size = count == 1 ? 1 : count / 2;
        } else if (step == STEP_DONE) {
            step = run(tx, keep_part_sql, err);
            at += count;
            size = count * 2;
        }
    }
    return step;
}

/* --- the transaction --------------------------------------------------------------------------------------- */

static void forget_verdicts(const struct store_insert *in)
{
    for (size_t i = 0; i < in->count; i++) {
        in->rows[i]->verdict = STORE_UNKNOWN;
        free(in->rows[i]->refusal);
        in->rows[i]->refusal = NULL;
    }
}

static bool only_found(const struct store_insert *in)
{
    bool found = false;
    for (size_t i = 0; i < in->count; i++) {
        if (in->rows[i]->verdict == STORE_STORED)
            return false;
        found |= in->rows[i]->verdict != STORE_REFUSED;
    }
    return found;
}

/* A transaction that only found its rows has nothing to flush, so its COMMIT waits for no standby; but what it
 * found may be a commit that was in doubt, and is on this host alone. With something in the log of its own it waits
 * for all that stands before that. */
static enum step confirm_found(struct transaction *tx, struct err *err)
{
    PGresult *result = pg_conn_run(tx->in->conn, may_confirm_sql, NULL, tx->in->deadline_ns, err);
    if (!result)
        return step_after_error(tx->in->conn);
    bool may = PQgetvalue(result, 0, 0)[0] == 't';
    PQclear(result);
    return may ? run(tx, confirm_sql, err) : STEP_DONE;
}

/* Duplicates and conflicts: what is neither stored nor refused has to be there. */
static enum step resolve_others(struct transaction *tx, struct err *err)
{
    const struct store_insert *in = tx->in;
    size_t others = 0;
    enum step step = STEP_DONE;
    struct store_row **rest = malloc(in->count * sizeof *rest);
    if (!rest)
        return out_of_memory(err);
    for (size_t i = 0; i < in->count; i++)
        if (in->rows[i]->verdict == STORE_UNKNOWN)
            rest[others++] = in->rows[i];
    if (others && store_look_up_rows(in->conn, in->columns, in->column_count, rest, others, in->deadline_ns, err))
        step = step_after_error(in->conn);
    for (size_t i = 0; step == STEP_DONE && i < others; i++)
        if (rest[i]->verdict == STORE_UNKNOWN) {
            err_set(err, "a signal was neither stored nor found");
            step = STEP_FAILED;
        }
    free(rest);
    return step;
}

/* From here on a connection that breaks leaves it in doubt: the answer is 503, and the resend finds the rows. */
static enum step commit(struct transaction *tx, struct err *err)
{
    struct pg_conn *conn = tx->in->conn;
    (void)pg_conn_take_warning(conn);
    PGresult *result = pg_conn_run(conn, "COMMIT", NULL, tx->in->deadline_ns, err);
    if (!result)
        return step_after_error(conn);
    bool committed = !strcmp(PQcmdStatus(result), "COMMIT"); /* ROLLBACK: it was broken, whatever came before */
    PQclear(result);
    if (!committed) {
        err_set(err, "the database rolled back instead of committing");
        return STEP_FAILED;
    }
    if (pg_conn_take_warning(conn)) {
        err_set(err, "the standby did not confirm the commit");
        return STEP_FAILED;
    }
    return STEP_DONE;
}

/* The step that failed, unless not even the way back works. */
static enum step roll_back(struct transaction *tx, enum step step)
{
    struct err ignored;
    if (!pg_conn_is_open(tx->in->conn) || pg_conn_do(tx->in->conn, "ROLLBACK", tx->in->deadline_ns, &ignored))
        return STEP_FAILED;
    return step;
}

static enum step run_transaction(const struct store_insert *in, bool in_parts, struct err *err)
{
    struct transaction tx = {.in = in};
    forget_verdicts(in);
    enum step step = begin(&tx, err);
    if (step == STEP_DONE)
        step = in_parts ? insert_in_parts(&tx, err) : insert_part(&tx, in->rows, in->count, err);
    if (step == STEP_DONE)
        step = resolve_others(&tx, err);
    if (step == STEP_DONE && only_found(in))
        step = confirm_found(&tx, err);
    if (step == STEP_DONE)
        step = commit(&tx, err);
    if (step != STEP_DONE)
        step = roll_back(&tx, step);
    buf_clear(&tx.tip_hash);
    return step;
}

enum outcome store_insert_rows(const struct store_insert *insert, struct err *err)
{
    bool in_parts = false;
    for (int attempts = 0; attempts < ATTEMPTS_MAX; attempts++) {
        enum step step = run_transaction(insert, in_parts, err);
        if (step == STEP_DONE)
            return OUTCOME_DONE;
        if (step == STEP_FAILED || (step == STEP_BAD_ROW && in_parts))
            return OUTCOME_AGAIN;
        in_parts |= step == STEP_BAD_ROW;
    }
    return OUTCOME_AGAIN;
}
