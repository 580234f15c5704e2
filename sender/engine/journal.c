/* journal: between the delivery and the state seam. */
#include "engine/journal.h"

#include "base/clock.h"

/* A save costs some 50 µs; one for each answer would cost more than it saves. */
#define SAVE_INTERVAL_NS  (50 * NS_PER_MS)
#define RETRY_INTERVAL_NS (1 * NS_PER_S)

static const struct state_ops *ops(const struct journal *journal)
{
    return journal->state->ops;
}

static void *self(const struct journal *journal)
{
    return journal->state->self;
}

static void failed(struct journal *journal, const struct err *err)
{
    if (!journal->failing)
        log_write(journal->log, LOG_ERROR, LOG_PLAIN, "The state directory cannot be written: %s", err->message);
    journal->failing = true;
    journal->unsaved = true;
    journal->save_ns = clock_monotonic_ns() + RETRY_INTERVAL_NS;
}

static void worked(struct journal *journal)
{
    if (journal->unkept)
        return;
    if (journal->failing)
        log_write(journal->log, LOG_INFO, LOG_PLAIN, "The state directory can be written again");
    journal->failing = false;
}

/* For what is noted and becomes durable with the next save. What fails is lost to the state, which costs
 * duplicates later on. */
static void noted(struct journal *journal, int failure, const struct err *err)
{
    journal->unsaved = true;
    if (failure)
        failed(journal, err);
}

int journal_open(struct journal *journal, const struct state *state, struct log *log, struct err *err)
{
    *journal = (struct journal){.state = state, .log = log};
    return ops(journal)->load(self(journal), &journal->progress, err);
}

/* --- letters ----------------------------------------------------------------------------------------------- */

void journal_delivered(struct journal *journal, const char *signal_id, const char *sha256)
{
    struct err err = {0};
    journal->progress.delivered++;
    journal->progress.last_success_us = clock_wall_us();
    noted(journal, ops(journal)->remove_delivered(self(journal), signal_id, sha256, &err), &err);
}

void journal_remove(struct journal *journal, int64_t dead_id)
{
    struct err err = {0};
    noted(journal, ops(journal)->remove(self(journal), dead_id, &err), &err);
}

/* A letter can be read in the state; where none is kept, the line is all that is left of it. */
static void say_buried(struct journal *journal, const struct dead_letter *letter)
{
    if (journal->state->keeps_letters)
        log_write_limited(journal->log, LOG_ERROR,
                          LOG_WITH(LOG_STR("signal_id", letter->signal_id), LOG_STR("reason", letter->reason),
                                   LOG_STR("request_id", letter->request_id)),
                          "Dead letter: signal %s was not delivered: %s", letter->signal_id, letter->detail);
    else
        log_write(journal->log, LOG_ERROR,
                  LOG_WITH(LOG_STR("signal_id", letter->signal_id), LOG_STR("reason", letter->reason),
                           LOG_STR("request_id", letter->request_id)),
                  "Refused: signal %s was not delivered: %s", letter->signal_id, letter->detail);
}

/* What was noted becomes durable with the letter, and so must the counters that belong to it. */
int journal_bury(struct journal *journal, struct dead_letter *letter)
{
    struct err err = {0};
    journal_tick(journal, INT64_MAX);
    letter->created_us = clock_wall_us();
    journal->unkept = ops(journal)->bury(self(journal), letter, &err) != 0;
    if (journal->unkept) {
        failed(journal, &err);
        return -1;
    }
    worked(journal);
    journal->buried++;
    say_buried(journal, letter);
    return 0;
}

void journal_each_retry(struct journal *journal, dead_letter_visit *visit, void *visitor)
{
    struct err err = {0};
    if (ops(journal)->each_retry(self(journal), visit, visitor, &err))
        failed(journal, &err);
}

/* --- what is settled --------------------------------------------------------------------------------------- */

static void note_tally(struct journal *journal)
{
    struct err err = {0};
    if (!journal->more.rows)
        return;
    noted(journal, ops(journal)->add_tally(self(journal), journal->block, &journal->more, &err), &err);
    journal->more = (struct state_tally){0};
}

void journal_row_settled(struct journal *journal, const struct table_row *row)
{
    int64_t block = tally_block(row->position);
    if (block != journal->block)
        note_tally(journal);
    journal->block = block;
    journal->unsaved = true;
    tally_add(&journal->more, row);
}

int journal_find_tally(struct journal *journal, int64_t block, struct state_tally *tally)
{
    struct err err = {0};
    note_tally(journal);
    if (!ops(journal)->find_tally(self(journal), block, tally, &err))
        return 0;
    failed(journal, &err);
    return -1;
}

void journal_mend_tally(struct journal *journal, int64_t block, const struct state_tally *difference)
{
    struct err err = {0};
    noted(journal, ops(journal)->add_tally(self(journal), block, difference, &err), &err);
}

void journal_note_sent(struct journal *journal, const char *signal_id, const char *sha256)
{
    struct err err = {0};
    noted(journal, ops(journal)->note_sent(self(journal), signal_id, sha256, &err), &err);
}

int journal_find_sent(struct journal *journal, const char *signal_id, char sha256[DIGEST_HEX_LEN + 1])
{
    struct err err = {0};
    int found = ops(journal)->find_sent(self(journal), signal_id, sha256, &err);
    if (found < 0)
        failed(journal, &err);
    return found > 0;
}

void journal_sent_is_shown(struct journal *journal, const char *signal_id, int64_t position)
{
    struct err err = {0};
    noted(journal, ops(journal)->show_sent(self(journal), signal_id, position, &err), &err);
}

void journal_clear_sent(struct journal *journal)
{
    struct err err = {0};
    noted(journal, ops(journal)->clear_sent(self(journal), &err), &err);
}

/* --- how far it is ----------------------------------------------------------------------------------------- */

void journal_move(struct journal *journal, enum origin origin, const struct place *safe)
{
    struct place *place = &journal->progress.places[origin];
    if (place_equal(place, safe))
        return;
    *place = *safe;
    journal->unsaved = true;
}

void journal_restart_table(struct journal *journal)
{
    struct err err = {0};
    journal->more = (struct state_tally){0};
    journal_move(journal, ORIGIN_TABLE, &(struct place){0});
    noted(journal, ops(journal)->clear_tallies(self(journal), &err), &err);
}

void journal_tick(struct journal *journal, int64_t now_ns)
{
    struct err err = {0};
    if (!journal->unsaved || now_ns < journal->save_ns)
        return;
    note_tally(journal);
    journal->save_ns = clock_monotonic_ns() + SAVE_INTERVAL_NS;
    if (ops(journal)->save(self(journal), &journal->progress, &err)) {
        failed(journal, &err);
        return;
    }
    worked(journal);
    journal->unsaved = false;
}

int64_t journal_due(const struct journal *journal)
{
    return journal->unsaved ? journal->save_ns : INT64_MAX;
}
