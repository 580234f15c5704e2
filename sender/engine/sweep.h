/* sweep: finds what changed in the table behind the position: rows that appeared there, or were replaced.
 *
 * Now and then it goes through all blocks of rows that were passed, some milliseconds apart, and compares the tally
 * of what stands there with that of what was settled. Where they differ, the block's rows are sent again, and the
 * receiver drops what it has. After a crash the block at the position may differ too; that costs duplicates once.
 */
#ifndef ALPINE_SENDER_SWEEP_H
#define ALPINE_SENDER_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "engine/feed.h"
#include "seams/table.h"

enum sweep_state {
    SWEEP_RESTING,   /* until due_ns */
    SWEEP_COMPARING, /* the next block, at due_ns */
    SWEEP_SENDING,   /* a block's rows are read and sent; its tally is mended when all are settled */
};

struct sweep {
    enum sweep_state state;
    const struct table *table; /* NULL: there is none to sweep */
    struct journal *journal;
    struct log *log;
    struct feed *feed;       /* of its own */
    const struct feed *rows; /* the table's, whose position bounds it */
    int64_t interval_ns;
    int64_t due_ns;
    int64_t next;                  /* the position to go on from … */
    bool over;                     /* … unless all was compared */
    int64_t block;                 /* that is sent … */
    struct state_tally difference; /* … and what its tally lacks */
    bool given_up;                 /* a row of it cannot be sent now: the next sweep finds the block again */
};

/* interval_ns: between sweeps. The first one begins that long after now_ns. */
void sweep_init(struct sweep *sweep, int64_t interval_ns, int64_t now_ns);
/* Does what is due. calm: nothing else waits to be sent; otherwise it waits. */
void sweep_tick(struct sweep *sweep, int64_t now_ns, bool calm);
/* A row of the block that is sent cannot be sent now, and leaves: the block does not count as mended. */
void sweep_give_up(struct sweep *sweep);
/* When sweep_tick has something to do; INT64_MAX: never, or when the batches of its feed are answered. */
int64_t sweep_due(const struct sweep *sweep);

#endif
