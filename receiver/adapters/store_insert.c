/* store_insert: the usual way of a group, and when to leave it.
 *
 * The chain has no gaps and no forks because whoever extends it holds one advisory lock from before it reads the
 * tip until its COMMIT is visible.
 *
 * Most groups are new from end to end. Such a group is one trip, COMMIT included: an error on the way skips what is
 * behind it. When the INSERT is through, the next group may travel behind the COMMIT already. Whatever else turns
 * up (a signal that is there or comes twice, a race with another writer, a row that the table refuses) takes the
 * careful way. */
#include "adapters/store_insert.h"

#include <stdlib.h>

#include "adapters/store_careful.h"
#include "adapters/store_fresh.h"
#include "adapters/store_locks.h"
#include "adapters/store_step.h"

static int make_room(struct store_group *in)
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

/* The turn's lock outlives a ROLLBACK, for it is the session's. One trip: who hangs between two would keep it. */
static enum step roll_back(struct store_group *in, enum step step)
{
    bool is_next = in->turn == TURN_NEXT;
    in->turn = TURN_NONE;
    return store_step_roll_back(in, is_next ? "ROLLBACK; " STORE_PASS_TURN_IF_THERE : "ROLLBACK", step);
}

/* Who does not get the turn in time goes without it, whichever limit was the shortest: the one who has it may hang.
 * An error says nothing of the lock: the server may have given it in the moment in which the wait was over. */
enum outcome store_insert_take_turn(struct store_group *in, struct err *err)
{
    bool is_next = in->may_mark && pg_conn_is_ours(in->conn);
    in->has_waited = false;
    in->turn = is_next ? TURN_NEXT : TURN_CHAIN;
    enum step step = store_step_open(in, is_next ? STATEMENT_TAKE_TURN : STATEMENT_TAKE_CHAIN, err);
    if (step == STEP_DONE)
        return OUTCOME_DONE;
    step = roll_back(in, STEP_DONE);
    return is_next && step == STEP_DONE ? OUTCOME_DONE : OUTCOME_AGAIN;
}

void store_insert_leave_turn(struct store_group *in)
{
    if (in->turn != TURN_NONE)
        (void)roll_back(in, STEP_DONE);
}

/* Whether the group is all new as far as can be seen from it alone, and so is sent without a look. */
static bool send_all(struct store_group *in)
{
    struct err ignored; /* the connection remembers what is wrong with it */
    size_t fresh;
    store_step_forget(in);
    if (store_fresh_pick(in->rows, in->count, in->fresh, &fresh) || fresh < in->count)
        return false;
    return !store_step_send_rows(in, true, in->rows, in->count, &ignored);
}

void store_insert_send(struct store_group *in, bool looks_first, bool under_way)
{
    bool may_send = !under_way || pg_conn_is_ours(in->conn);
    in->is_committed = false;
    in->has_waited &= in->turn != TURN_NONE;
    in->looks_first = looks_first;
    in->is_sent = !make_room(in) && !looks_first && may_send && send_all(in);
}

/* Waits for the INSERT of a transaction that was sent whole. If what it returns is not as it should be, its COMMIT
 * is on the way all the same; the group is not answered then, and whoever sends it again finds what was stored. */
static enum step await_inserted(struct store_group *in, struct err *err)
{
    /* statements before the INSERT; the last of them waits for the chain */
    static const int before[] = {[TURN_NONE] = 3, [TURN_NEXT] = 1, [TURN_CHAIN] = 0};
    PGresult *result = NULL;
    for (int left = before[in->turn]; left >= 0; left--) {
        PQclear(result);
        result = pg_conn_await_next(in->conn, in->deadline_ns, err);
        if (!result)
            return store_step_after_insert(in, err);
        if (left == 1)
            store_step_note_wait(in, result);
    }
    in->turn = TURN_NONE; /* passed on, or over with the transaction */
    enum step step = store_step_take_stored(result, in->rows, in->count, err);
    PQclear(result);
    (void)pg_conn_take_warning(in->conn); /* from now on it is about the COMMIT */
    return step;
}

enum outcome store_insert_settle(struct store_group *in, bool *expects_duplicates, struct err *err)
{
    if (!pg_conn_is_open(in->conn)) {
        err_set(err, "the database connection is lost");
        return OUTCOME_AGAIN;
    }
    if (in->count > in->fresh_room) {
        store_insert_leave_turn(in);
        err_set(err, "out of memory");
        return OUTCOME_AGAIN;
    }
    if (!in->is_sent && (in->looks_first || !send_all(in))) {
        store_insert_leave_turn(in);
        return store_careful_look_first(in, expects_duplicates, err);
    }
    enum step step = await_inserted(in, err);
    if (step == STEP_DONE)
        return OUTCOME_DONE;
    step = roll_back(in, step);
    if (step == STEP_FAILED)
        return OUTCOME_AGAIN;
    return step == STEP_BAD_ROW ? store_careful_insert(in, true, err)
                                : store_careful_look_first(in, expects_duplicates, err);
}

enum outcome store_insert_confirm(struct store_group *in, struct err *err)
{
    if (!in->is_committed)
        in->is_committed = store_step_await_commit(in, err) == STEP_DONE;
    return in->is_committed ? OUTCOME_DONE : OUTCOME_AGAIN;
}

void store_insert_clear(struct store_group *in)
{
    free(in->fresh);
    *in = (struct store_group){0};
}
