/* store_careful: look, insert what is new, tell what was not.
 *
 * A row that breaks a rule of the table's would take all others along. Such a group is run again with a savepoint
 * before each part of it, in parts that shrink until the row is alone. */
#include "adapters/store_careful.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/store_fresh.h"
#include "adapters/store_step.h"

enum { ATTEMPTS_MAX = 4 };

static const char first_part_sql[] = "SAVEPOINT part";
static const char keep_part_sql[] = "RELEASE SAVEPOINT part; SAVEPOINT part";
static const char undo_part_sql[] = "ROLLBACK TO SAVEPOINT part";

/* What was seen may be in doubt: it is not on the standby, or not on the disk yet. */
static const char in_doubt_sql[] = "SELECT current_setting('synchronous_standby_names') <> '', "
                                   "pg_current_wal_flush_lsn() < pg_current_wal_insert_lsn()";

/* A row that failed alone: unless it is there by now, the table refuses it. */
static enum step refuse(struct store_group *in, struct store_row *row, const struct err *why, struct err *err)
{
    enum step step = store_step_look_up(in, &row, 1, err);
    if (step != STEP_DONE || row->verdict != STORE_UNKNOWN)
        return step;
    row->verdict = STORE_REFUSED;
    row->refusal = strdup(why->message);
    return row->refusal ? STEP_DONE : store_step_no_memory(err);
}

static enum step insert_part(struct store_group *in, struct store_row **rows, size_t count, struct err *err)
{
    size_t fresh;
    enum step step = store_step_look_up(in, rows, count, err);
    if (step != STEP_DONE)
        return step;
    if (store_fresh_pick(rows, count, in->fresh, &fresh))
        return store_step_no_memory(err);
    if (!fresh)
        return STEP_DONE;
    if (store_step_send_rows(in, false, in->fresh, fresh, err))
        return STEP_FAILED;
    return store_step_await_rows(in, in->fresh, fresh, err);
}

/* A part that fails is undone and halved, down to one row; after one that goes in, the next may be twice as large.
 * So a few bad rows cost a few statements each, and a batch of bad rows costs one statement a row. */
static enum step insert_in_parts(struct store_group *in, struct err *err)
{
    size_t size = in->count;
    size_t at = 0;
    enum step step = store_step_run(in, first_part_sql, err);
    while (step == STEP_DONE && at < in->count) {
        size_t left = in->count - at;
        size_t count = size < left ? size : left;
        struct store_row **rows = in->rows + at;
        step = insert_part(in, rows, count, err);
        if (step == STEP_BAD_ROW || step == STEP_TAKEN) {
            struct err why = *err;
            step = store_step_run(in, undo_part_sql, err);
            if (step == STEP_DONE && count == 1)
                step = refuse(in, rows[0], &why, err);
            at += count == 1;
            size = count == 1 ? 1 : count / 2;
        } else if (step == STEP_DONE) {
            step = store_step_run(in, keep_part_sql, err);
            at += count;
            size = count * 2;
        }
    }
    return step;
}

static bool only_found(const struct store_group *in)
{
    return !store_step_count(in, STORE_STORED) && store_step_count(in, STORE_REFUSED) < in->count;
}

/* What came twice in the group: its first is there by now. */
static enum step resolve_rest(struct store_group *in, struct err *err)
{
    if (!store_step_count(in, STORE_UNKNOWN))
        return STEP_DONE;
    size_t rest = 0;
    for (size_t i = 0; i < in->count; i++)
        if (in->rows[i]->verdict == STORE_UNKNOWN)
            in->fresh[rest++] = in->rows[i];
    enum step step = store_step_look_up(in, in->fresh, rest, err);
    if (step == STEP_DONE && store_step_count(in, STORE_UNKNOWN)) {
        err_set(err, "a signal was neither stored nor found");
        return STEP_FAILED;
    }
    return step;
}

static enum step run_transaction(struct store_group *in, bool in_parts, struct err *err)
{
    store_step_forget(in);
    enum step step = store_step_open(in, STATEMENT_TAKE_CHAIN, err);
    if (step == STEP_DONE)
        step = in_parts ? insert_in_parts(in, err) : insert_part(in, in->rows, in->count, err);
    if (step == STEP_DONE)
        step = resolve_rest(in, err);
    if (step == STEP_DONE && in->may_mark && only_found(in))
        step = store_step_mark(in, err);
    if (step == STEP_DONE)
        step = store_step_commit(in, err);
    return step == STEP_DONE ? step : store_step_roll_back(in, "ROLLBACK", step);
}

enum outcome store_careful_insert(struct store_group *in, bool in_parts, struct err *err)
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

/* Everything is there: nothing is to be inserted, and nobody has to wait for the chain. */
static bool finds_all(struct store_group *in, enum step *step, struct err *err)
{
    store_step_forget(in);
    *step = store_step_look_up(in, in->rows, in->count, err);
    return *step == STEP_DONE && !store_step_count(in, STORE_UNKNOWN);
}

/* What was found is called a duplicate when it is as durable as what is stored. Another receiver's COMMIT may be
 * visible before it is on the disk, and one that was in doubt may be on this host alone. Who waits for a standby
 * takes the chain with him, so that not one connection after the other does. A role that may not write a mark
 * cannot wait. */
static enum outcome confirm_found(struct store_group *in, struct err *err)
{
    if (!in->may_mark)
        return OUTCOME_DONE;
    PGresult *result = pg_conn_run(in->conn, in_doubt_sql, NULL, in->deadline_ns, err);
    if (!result)
        return OUTCOME_AGAIN;
    bool needs_standby = PQgetvalue(result, 0, 0)[0] == 't';
    bool needs_disk = PQgetvalue(result, 0, 1)[0] == 't';
    PQclear(result);
    if (needs_standby)
        return store_careful_insert(in, false, err);
    return !needs_disk || store_step_mark(in, err) == STEP_DONE ? OUTCOME_DONE : OUTCOME_AGAIN;
}

enum outcome store_careful_look_first(struct store_group *in, bool *all_found, struct err *err)
{
    enum step step;
    *all_found = finds_all(in, &step, err);
    if (step != STEP_DONE)
        return OUTCOME_AGAIN;
    if (!*all_found)
        return store_careful_insert(in, false, err);
    enum outcome outcome = confirm_found(in, err);
    in->is_committed = outcome == OUTCOME_DONE;
    return outcome;
}
