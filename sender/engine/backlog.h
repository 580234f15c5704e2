/* backlog: what waits in a delivery, as far as that costs next to nothing to tell: for a line of status, and for
 * the pages of whoever watches. Dead letters that are sent again are left out: they count as dead until they are
 * delivered. */
#ifndef ALPINE_SENDER_BACKLOG_H
#define ALPINE_SENDER_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/delivery.h"

/* How old the oldest signal is that was read and waits, in microseconds (batch_age_us; of what a sweep found: since
 * it was found); -1: none waits. Looks at one signal of each feed: what was read after it stood behind it in the
 * source. */
int64_t backlog_age_us(const struct delivery *delivery, int64_t wall_us, int64_t now_ns);
/* Since when no request has begun or ended, although some are under way; 0: none is. */
int64_t backlog_still_since_ns(const struct delivery *delivery);

/* What was read and what was not. */
struct backlog {
    size_t waiting;                  /* signals of the sources that were read and are not settled */
    struct place read[ORIGIN_COUNT]; /* up to where each source was read … */
    bool at_end;                     /* … which is, in both, all that there was at the last look */
    struct state_progress progress;  /* as the next save will have it */
};

void backlog_look(const struct delivery *delivery, struct backlog *backlog);
/* Walks the signals of Argo's log among those that wait. Returning false ends the walk. */
typedef bool backlog_visit(void *self, const char *signal_id);
void backlog_each_line(const struct delivery *delivery, backlog_visit *visit, void *visitor);

#endif
