/* sweep: see sweep.h. */
#include "engine/sweep.h"

#include <inttypes.h>

#include "base/clock.h"

/* A block is compared in about a millisecond; with these pauses a sweep takes a tenth of the loop's time. */
#define BLOCK_PAUSE_NS (10 * NS_PER_MS)
/* The table cannot be read now, or something else is being sent. */
#define WAIT_PAUSE_NS (1 * NS_PER_S)

void sweep_init(struct sweep *sweep, int64_t interval_ns, int64_t now_ns)
{
    sweep->state = SWEEP_RESTING;
    sweep->interval_ns = interval_ns;
    sweep->due_ns = now_ns + interval_ns;
}

static void set_state(struct sweep *sweep, enum sweep_state state, int64_t due_ns)
{
    sweep->state = state;
    sweep->due_ns = due_ns;
}

/* --- comparing --------------------------------------------------------------------------------------------- */

struct comparing {
    bool any;
    int64_t block;
    struct state_tally tally;
};

static bool add_row(void *self, const struct table_row *row)
{
    struct comparing *comparing = self;
    int64_t block = tally_block(row->position);
    if (comparing->any && block != comparing->block)
        return false;
    comparing->any = true;
    comparing->block = block;
    tally_add(&comparing->tally, row);
    return true;
}

static void begin_sending(struct sweep *sweep, const struct comparing *comparing, const struct state_tally *noted,
                          int64_t last)
{
    int64_t first = tally_first(comparing->block);
    /* Before the very first block is the beginning: {0}. */
    int64_t before = first == INT64_MIN ? 0 : first - 1;
    if (last > tally_last(comparing->block))
        last = tally_last(comparing->block);
    log_write(sweep->log, LOG_WARN, LOG_PLAIN,
              "The table has changed behind the position: sending rows %" PRId64 " to %" PRId64 " again", first,
              last);
    sweep->block = comparing->block;
    sweep->difference.rows = comparing->tally.rows - noted->rows;
    sweep->difference.sum = comparing->tally.sum - noted->sum;
    sweep->feed->intake.read = (struct place){.position = before};
    sweep->feed->intake.until = last;
    sweep->feed->intake.at_end = false;
    sweep->given_up = false;
    set_state(sweep, SWEEP_SENDING, INT64_MAX);
}

/* All is calm, so the rows up to where the table is read are settled, all of them. */
static void compare(struct sweep *sweep, int64_t now_ns)
{
    struct comparing comparing = {0};
    struct state_tally noted;
    struct err ignored;
    const struct place *read = &sweep->rows->intake.read;
    const struct table *table = sweep->table;
    if (place_is_start(read) || sweep->over || sweep->next > read->position) {
        set_state(sweep, SWEEP_RESTING, now_ns + sweep->interval_ns);
        return;
    }
    if (table->ops->walk(table->self, sweep->next, read->position, add_row, &comparing, &ignored) ||
        (comparing.any && journal_find_tally(sweep->journal, comparing.block, &noted))) {
        sweep->due_ns = now_ns + WAIT_PAUSE_NS;
        return;
    }
    sweep->over = !comparing.any || tally_last(comparing.block) >= read->position;
    sweep->next = sweep->over ? sweep->next : tally_last(comparing.block) + 1;
    sweep->due_ns = now_ns + BLOCK_PAUSE_NS;
    if (comparing.any && !tally_equal(&comparing.tally, &noted))
        begin_sending(sweep, &comparing, &noted, read->position);
}

/* --- sending ----------------------------------------------------------------------------------------------- */

void sweep_give_up(struct sweep *sweep)
{
    sweep->given_up = true;
}

static void finish_block(struct sweep *sweep, int64_t now_ns)
{
    if (!sweep->given_up)
        journal_mend_tally(sweep->journal, sweep->block, &sweep->difference);
    set_state(sweep, SWEEP_COMPARING, now_ns + BLOCK_PAUSE_NS);
}

void sweep_tick(struct sweep *sweep, int64_t now_ns, bool calm)
{
    if (!sweep->table)
        return;
    if (sweep->state == SWEEP_SENDING && sweep->feed->intake.at_end && !sweep->feed->list.first) {
        if (sweep->feed->intake.away)
            sweep_init(sweep, sweep->interval_ns, now_ns); /* not all was read: the next sweep finds it again */
        else
            finish_block(sweep, now_ns);
    }
    if (now_ns < sweep->due_ns || sweep->state == SWEEP_SENDING)
        return;
    if (!calm) {
        sweep->due_ns = now_ns + WAIT_PAUSE_NS;
        return;
    }
    if (sweep->state == SWEEP_RESTING) {
        sweep->next = INT64_MIN;
        sweep->over = false;
        set_state(sweep, SWEEP_COMPARING, now_ns);
    }
    compare(sweep, now_ns);
}

int64_t sweep_due(const struct sweep *sweep)
{
    return sweep->table ? sweep->due_ns : INT64_MAX;
}
