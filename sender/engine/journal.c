/* journal: between the delivery and the state seam. */
#include "engine/journal.h"

#include <string.h>

#include "base/clock.h"

/* A save costs some 50 µs; one for each answer would cost more than it saves. */
#define SAVE_INTERVAL_NS (50 * NS_PER_MS)

static void failed(struct journal *journal, const struct err *err)
{
    if (!journal->failing)
        log_write(journal->log, LOG_ERROR, LOG_PLAIN, "The state directory cannot be written: %s", err->message);
    journal->failing = true;
}

static void worked(struct journal *journal)
{
    if (journal->failing)
        log_write(journal->log, LOG_INFO, LOG_PLAIN, "The state directory can be written again");
    journal->failing = false;
}

int journal_open(struct journal *journal, const struct state *state, struct log *log, struct err *err)
{
    *journal = (struct journal){.state = state, .log = log};
    return state->ops->load(state->self, &journal->progress, err);
}

void journal_delivered(struct journal *journal, int64_t dead_id)
{
    struct err err = {0};
    journal->progress.delivered++;
    journal->progress.last_success_us = clock_wall_us();
    journal->unsaved = true;
    if (dead_id && journal->state->ops->remove(journal->state->self, dead_id, &err))
        failed(journal, &err);
}

int journal_bury(struct journal *journal, struct dead_letter *letter)
{
    struct err err = {0};
    letter->created_us = clock_wall_us();
    if (journal->state->ops->bury(journal->state->self, letter, &err)) {
        failed(journal, &err);
        return -1;
    }
    worked(journal);
    journal->buried++;
    log_write(journal->log, LOG_ERROR,
              LOG_WITH(LOG_STR("signal_id", letter->signal_id), LOG_STR("reason", letter->reason)),
              "%s: signal %s was not delivered: %s", journal->state->keeps_letters ? "Dead letter" : "Refused",
              letter->signal_id, letter->detail);
    return 0;
}

void journal_each_retry(struct journal *journal, dead_letter_visit *visit, void *visitor)
{
    struct err err = {0};
    if (journal->state->ops->each_retry(journal->state->self, visit, visitor, &err))
        failed(journal, &err);
}

void journal_move(struct journal *journal, const struct place *safe)
{
    if (journal->progress.place.position != safe->position ||
        strcmp(journal->progress.place.signal_id, safe->signal_id) != 0)
        journal->unsaved = true;
    journal->progress.place = *safe;
}

void journal_tick(struct journal *journal, int64_t now_ns)
{
    struct err err = {0};
    if (!journal->unsaved || now_ns < journal->save_ns)
        return;
    journal->save_ns = clock_monotonic_ns() + SAVE_INTERVAL_NS;
    if (journal->state->ops->save(journal->state->self, &journal->progress, &err)) {
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
