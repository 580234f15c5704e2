/* source: where signals come from, in the order of their positions. The delivery engine knows this seam;
 * source_sqlite, source_lines and the tests' fakes fill it. */
#ifndef ALPINE_SENDER_SOURCE_H
#define ALPINE_SENDER_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "format/signal.h"

/* A place in a source: a position (0: the beginning) and the signal_id that stands there, by which it is known
 * again when the file behind it was replaced. */
struct place {
    int64_t position;
    char signal_id[SIGNAL_ID_MAX + 1]; /* "" if it is not known */
};

/* One signal as the source has it, not yet checked. Valid during the call. */
struct source_item {
    int64_t position; /* larger than every one before it */
    struct signal *signal;
    enum fault fault;      /* it could not even be read as a signal … */
    const struct err *err; /* … because of this */
    const char *text;      /* what stands there, if it could not be read (may be NULL) */
};

/* Takes an item. Returns false to end the reading before it: the item is not taken. */
typedef bool source_take(void *self, const struct source_item *item);

enum source_status {
    SOURCE_END,      /* everything that there is now was given */
    SOURCE_STOPPED,  /* the taker ended it; there may be more */
    SOURCE_AWAY,     /* not there, locked, or not readable now: err says why; it will be tried again */
    SOURCE_REPLACED, /* `after` is not in this source: it is another one now, or an older state of it */
};

struct source_ops {
    /* Gives what stands after a place, in one short read of its own. */
    enum source_status (*read)(void *self, const struct place *after, source_take *take, void *taker,
                               struct err *err);
    /* Cheap: may there be something new since the last read that reached the end? */
    bool (*changed)(void *self);
    /* How many stand after a position; -1 if that cannot be told now. */
    int64_t (*count_after)(void *self, int64_t position);
};

struct source {
    const struct source_ops *ops;
    void *self;
};

#endif
