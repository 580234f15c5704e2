/* store_insert: begin, take the chain's lock, insert what is new, tell what was not, commit.
 *
 * The chain has no gaps and no forks because whoever extends it holds one advisory lock from before it reads the
 * tip until its COMMIT is visible.
 *
 * Most groups are new from end to end. Such a group is one trip, COMMIT included: an error on the way skips what is
 * behind it. When the INSERT is through, the next group may travel behind the COMMIT already. Whatever else turns
 * up (a signal that is there or comes twice, a race with another writer, a row that the table refuses) takes the
 * careful way: it looks first, and inserts then.
 *
 * A row that breaks a rule of the table's would take all others along. Such a group is run again with a savepoint
 * before each part of it, in parts that shrink until the row is alone. */
#include "adapters/store_insert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sqlstate.h"
#include "adapters/store_fresh.h"
#include "adapters/store_look_up.h"

enum { ATTEMPTS_MAX = 4 };

#define UNIQUE_VIOLATION "23505"

static const char first_part_sql[] = "SAVEPOINT part";
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
    STEP_TAKEN,   /* a row's place is taken: by itself, or by another row in a unique index of Alpine's own */
    STEP_BAD_ROW, /* a row breaks a rule */
    STEP_FAILED,  /* the database cannot now */
};

static enum step step_after_error(struct pg_conn *conn)
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

static enum step run(struct store_insert *in, const char *sql, struct err *err)
{
    return pg_conn_do(in->conn, sql, in->deadline_ns, err) ? step_after_error(in->conn) : STEP_DONE;
}

static enum step out_of_memory(struct err *err)
{
    err_set(err, "out of memory");
    return STEP_FAILED;
}

/* --- statements of a transaction ---------------------------------------------------------------------------- */

static int queue(struct store_insert *in, enum store_statement statement, struct err *err)
{
    return pg_conn_queue(in->conn, &in->statements->list[statement], NULL, err);
}

static int queue_opening(struct store_insert *in, struct err *err)
{
    char limit_ms[24];
    const char *values[] = {limit_ms};
    const struct pg_statement *take_chain = &in->statements->list[STATEMENT_TAKE_CHAIN];
    const struct pg_params params = {.count = 1, .types = take_chain->types, .values = values};
    (void)snprintf(limit_ms, sizeof limit_ms, "%lld", (long long)pg_conn_statement_ms(in->deadline_ns));
    if (queue(in, STATEMENT_BEGIN, err) || queue(in, STATEMENT_CHECK_AT_ONCE, err))
        return -1;
    return pg_conn_queue(in->conn, take_chain, &params, err);
}

/* The INSERT's answer is wanted as soon as it is there: the next group is built while the COMMIT waits for the
 * disk. */
static int queue_whole(struct store_insert *in, const struct pg_params *rows, struct err *err)
{
    if (queue_opening(in, err) || pg_conn_queue(in->conn, &in->statements->list[STATEMENT_INSERT], rows, err) ||
        pg_conn_queue_flush(in->conn, err))
        return -1;
    return queue(in, STATEMENT_COMMIT, err);
}

/* Sends the rows; whole: in a transaction of their own. Memory is asked for before anything is queued: half a
 * transaction on its way would meet the next one. */
static int send_rows(struct store_insert *in, bool whole, struct store_row **rows, size_t count, struct err *err)
{
    struct store_params params = {0};
    int status = -1;
    if (store_statements_insert_params(in->statements, &params, rows, count)) {
        err_set(err, "out of memory");
        goto out;
    }
    struct pg_params view = store_params_view(&params);
    status = whole ? queue_whole(in, &view, err)
                   : pg_conn_queue(in->conn, &in->statements->list[STATEMENT_INSERT], &view, err);
    if (!status)
        status = pg_conn_send(in->conn, err);
out:
    store_params_clear(&params);
    return status;
}

/* The INSERT returns all that it was given, in the same order. */
static enum step take_stored(const PGresult *result, struct store_row **rows, size_t count, struct err *err)
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

static enum step step_after_insert(struct store_insert *in, struct err *err)
{
    if (!strcmp(pg_conn_sqlstate(in->conn), STORE_LEFT_OUT))
        err_set(err, "a trigger of the table leaves this row out");
    return step_after_error(in->conn);
}

static enum step await_rows(struct store_insert *in, struct store_row **rows, size_t count, struct err *err)
{
    PGresult *result = pg_conn_await(in->conn, in->deadline_ns, err);
    if (!result)
        return step_after_insert(in, err);
    enum step step = take_stored(result, rows, count, err);
    PQclear(result);
    return step;
}

static enum step look_up(struct store_insert *in, struct store_row **rows, size_t count, struct err *err)
{
    bool failed = store_look_up_rows(in->conn, in->statements, rows, count, in->deadline_ns, err) != 0;
    return failed ? step_after_error(in->conn) : STEP_DONE;
}

/* A connection that breaks now leaves it in doubt: the answer is 503, and the resend finds the rows. */
static enum step await_commit(struct store_insert *in, struct err *err)
{
    PGresult *result = pg_conn_await(in->conn, in->deadline_ns, err);
    if (!result)
        return step_after_error(in->conn);
    bool committed = !strcmp(PQcmdStatus(result), "COMMIT"); /* ROLLBACK: it was broken, whatever came before */
    PQclear(result);
    if (!committed) {
        err_set(err, "the database rolled back instead of committing");
        return STEP_FAILED;
    }
    if (pg_conn_take_warning(in->conn)) {
        err_set(err, "the standby did not confirm the commit");
        return STEP_FAILED;
    }
    return STEP_DONE;
}

static enum step commit(struct store_insert *in, struct err *err)
{
    (void)pg_conn_take_warning(in->conn);
    if (queue(in, STATEMENT_COMMIT, err) || pg_conn_send(in->conn, err))
        return STEP_FAILED;
    return await_commit(in, err);
}

/* The step that failed, unless not even the way back works. */
static enum step roll_back(struct store_insert *in, enum step step)
{
    struct err ignored;
    if (!pg_conn_is_open(in->conn) || pg_conn_do(in->conn, "ROLLBACK", in->deadline_ns, &ignored))
        return STEP_FAILED;
    return step;
}

/* --- the careful way ---------------------------------------------------------------------------------------- */

/* A row that failed alone: unless it is there by now, the table refuses it. */
static enum step refuse(struct store_insert *in, struct store_row *row, const struct err *why, struct err *err)
{
    enum step step = look_up(in, &row, 1, err);
    if (step != STEP_DONE || row->verdict != STORE_UNKNOWN)
        return step;
    row->verdict = STORE_REFUSED;
    row->refusal = strdup(why->message);
    return row->refusal ? STEP_DONE : out_of_memory(err);
}

static enum step insert_part(struct store_insert *in, struct store_row **rows, size_t count, struct err *err)
{
    size_t fresh;
    enum step step = look_up(in, rows, count, err);
    if (step != STEP_DONE)
        return step;
    if (store_fresh_pick(rows, count, in->fresh, &fresh))
        return out_of_memory(err);
    if (!fresh)
        return STEP_DONE;
    if (send_rows(in, false, in->fresh, fresh, err))
        return STEP_FAILED;
    return await_rows(in, in->fresh, fresh, err);
}

/* A part that fails is undone and halved, down to one row; after one that goes in, the next may be twice as large.
 * So a few bad rows cost a few statements each, and a batch of bad rows costs one statement a row. */
static enum step insert_in_parts(struct store_insert *in, struct err *err)
{
    size_t size = in->count;
    size_t at = 0;
    enum step step = run(in, first_part_sql, err);
    while (step == STEP_DONE && at < in->count) {
        size_t left = in->count - at;
        size_t count = size < left ? size : left;
        struct store_row **rows = in->rows + at;
        step = insert_part(in, rows, count, err);
        if (step == STEP_BAD_ROW || step == STEP_TAKEN) {
            struct err why = *err;
            step = run(in, undo_part_sql, err);
            if (step == STEP_DONE && count == 1)
                step = refuse(in, rows[0], &why, err);
            at += count == 1;
            size = count == 1 ? 1 : count / 2;
        } else if (step == STEP_DONE) {
            step = run(in, keep_part_sql, err);
            at += count;
            size = count * 2;
        }
    }
    return step;
}

static void forget_verdicts(struct store_insert *in)
{
    for (size_t i = 0; i < in->count; i++) {
        in->rows[i]->verdict = STORE_UNKNOWN;
        free(in->rows[i]->refusal);
        in->rows[i]->refusal = NULL;
    }
}

static size_t count_verdict(const struct store_insert *in, enum store_verdict verdict)
{
    size_t count = 0;
    for (size_t i = 0; i < in->count; i++)
        count += in->rows[i]->verdict == verdict;
    return count;
}

static bool only_found(const struct store_insert *in)
{
    return !count_verdict(in, STORE_STORED) && count_verdict(in, STORE_REFUSED) < in->count;
}

/* What came twice in the group: its first is there by now. */
static enum step resolve_rest(struct store_insert *in, struct err *err)
{
    if (!count_verdict(in, STORE_UNKNOWN))
        return STEP_DONE;
    size_t rest = 0;
    for (size_t i = 0; i < in->count; i++)
        if (in->rows[i]->verdict == STORE_UNKNOWN)
            in->fresh[rest++] = in->rows[i];
    enum step step = look_up(in, in->fresh, rest, err);
    if (step == STEP_DONE && count_verdict(in, STORE_UNKNOWN)) {
        err_set(err, "a signal was neither stored nor found");
        return STEP_FAILED;
    }
    return step;
}

/* A transaction that only found its rows has nothing to flush, so its COMMIT waits for no standby; but what it
 * found may be a commit that was in doubt, and is on this host alone. With something in the log of its own it waits
 * for all that stands before that. */
static enum step confirm_found(struct store_insert *in, struct err *err)
{
    PGresult *result = pg_conn_run(in->conn, may_confirm_sql, NULL, in->deadline_ns, err);
    if (!result)
        return step_after_error(in->conn);
    bool may = PQgetvalue(result, 0, 0)[0] == 't';
    PQclear(result);
    return may ? run(in, confirm_sql, err) : STEP_DONE;
}

static enum step open_transaction(struct store_insert *in, struct err *err)
{
    if (queue_opening(in, err) || pg_conn_send(in->conn, err))
        return STEP_FAILED;
    PGresult *result = pg_conn_await(in->conn, in->deadline_ns, err);
    if (!result)
        return step_after_error(in->conn);
    PQclear(result);
    return STEP_DONE;
}

static enum step run_transaction(struct store_insert *in, bool in_parts, struct err *err)
{
    forget_verdicts(in);
    enum step step = open_transaction(in, err);
    if (step == STEP_DONE)
        step = in_parts ? insert_in_parts(in, err) : insert_part(in, in->rows, in->count, err);
    if (step == STEP_DONE)
        step = resolve_rest(in, err);
    if (step == STEP_DONE && only_found(in))
        step = confirm_found(in, err);
    if (step == STEP_DONE)
        step = commit(in, err);
    return step == STEP_DONE ? step : roll_back(in, step);
}

static enum outcome insert_carefully(struct store_insert *in, bool in_parts, struct err *err)
{
    for (int attempts = 0; attempts < ATTEMPTS_MAX; attempts++) {
        enum step step = run_transaction(in, in_parts, err);
        in->is_committed = step == STEP_DONE;
        if (step == STEP_DONE)
            return OUTCOME_DONE;
        if (step == STEP_FAILED || (step != STEP_RACE && in_parts))
            return OUTCOME_AGAIN;
        in_parts |= step != STEP_RACE;
    }
    return OUTCOME_AGAIN;
}

/* --- the usual way ------------------------------------------------------------------------------------------ */

static int make_room(struct store_insert *in)
{
    if (in->count <= in->fresh_room)
        return 0;
    struct store_row **fresh = realloc(in->fresh, in->count * sizeof *fresh);
    if (!fresh)
        return -1;
    in->fresh = fresh;
    in->fresh_room = in->count;
    return 0;
}

/* Whether the group is all new as far as can be seen from it alone, and so is sent without a look. */
static bool send_all(struct store_insert *in)
{
    struct err ignored; /* the connection remembers what is wrong with it */
    size_t fresh;
    forget_verdicts(in);
    if (store_fresh_pick(in->rows, in->count, in->fresh, &fresh) || fresh < in->count)
        return false;
    return !send_rows(in, true, in->rows, in->count, &ignored);
}

void store_insert_send(struct store_insert *in, bool looks_first, bool under_way)
{
    bool may_send = !under_way || pg_conn_is_ours(in->conn);
    in->is_committed = false;
    in->looks_first = looks_first;
    in->is_sent = !make_room(in) && !looks_first && may_send && send_all(in);
}

/* Waits for the INSERT of a transaction that was sent whole. */
static enum step await_inserted(struct store_insert *in, struct err *err)
{
    PGresult *result = NULL;
    for (size_t statement = STATEMENT_BEGIN; statement <= STATEMENT_INSERT; statement++) {
        PQclear(result);
        result = pg_conn_await_next(in->conn, in->deadline_ns, err);
        if (!result)
            return step_after_insert(in, err);
    }
    enum step step = take_stored(result, in->rows, in->count, err);
    PQclear(result);
    (void)pg_conn_take_warning(in->conn); /* from now on it is about the COMMIT */
    return step;
}

/* Everything is there: nothing is to be inserted, and nobody has to wait for the chain. */
static bool all_found(struct store_insert *in, enum step *step, struct err *err)
{
    forget_verdicts(in);
    *step = look_up(in, in->rows, in->count, err);
    return *step == STEP_DONE && !count_verdict(in, STORE_UNKNOWN);
}

static enum outcome look_first(struct store_insert *in, bool *expects_duplicates, struct err *err)
{
    enum step step;
    PGresult *result;
    *expects_duplicates = all_found(in, &step, err);
    if (step != STEP_DONE)
        return OUTCOME_AGAIN;
    if (!*expects_duplicates)
        return insert_carefully(in, false, err);
    result = pg_conn_run(in->conn, may_confirm_sql, NULL, in->deadline_ns, err);
    if (!result)
        return OUTCOME_AGAIN;
    bool must_confirm = PQgetvalue(result, 0, 0)[0] == 't';
    PQclear(result);
    if (must_confirm)
        return insert_carefully(in, false, err);
    in->is_committed = true;
    return OUTCOME_DONE;
}

enum outcome store_insert_settle(struct store_insert *in, bool *expects_duplicates, struct err *err)
{
    if (!pg_conn_is_open(in->conn)) {
        err_set(err, "the database connection is lost");
        return OUTCOME_AGAIN;
    }
    if (in->count > in->fresh_room) {
        err_set(err, "out of memory");
        return OUTCOME_AGAIN;
    }
    if (!in->is_sent && (in->looks_first || !send_all(in)))
        return look_first(in, expects_duplicates, err);
    enum step step = await_inserted(in, err);
    if (step == STEP_DONE)
        return OUTCOME_DONE;
    step = roll_back(in, step);
    if (step == STEP_FAILED)
        return OUTCOME_AGAIN;
    return step == STEP_BAD_ROW ? insert_carefully(in, true, err) : look_first(in, expects_duplicates, err);
}

enum outcome store_insert_confirm(struct store_insert *in, struct err *err)
{
    if (!in->is_committed)
        in->is_committed = await_commit(in, err) == STEP_DONE;
    return in->is_committed ? OUTCOME_DONE : OUTCOME_AGAIN;
}

void store_insert_clear(struct store_insert *in)
{
    free(in->fresh);
    *in = (struct store_insert){0};
}
