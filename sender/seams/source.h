/* source: where signals come from, in the order of their positions. The delivery engine knows this seam;
 * source_sqlite, source_log, source_lines and the tests' fakes fill it. */
#ifndef ALPINE_SENDER_SOURCE_H
#define ALPINE_SENDER_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "format/signal.h"

enum { PLACE_MARK_SIZE = SIGNAL_ID_MAX + 1 };

/* A place in a source: a position, and the mark by which the source knows it again when the file behind it was
 * replaced. {0} is before everything. What position and mark are is the source's own affair. */
struct place {
    int64_t position;
    char mark[PLACE_MARK_SIZE];
};

static inline bool place_is_start(const struct place *place)
{
    return !place->position && !place->mark[0];
}

static inline bool place_equal(const struct place *a, const struct place *b)
{
    return a->position == b->position && !strcmp(a->mark, b->mark);
}

/* One signal as the source has it, not yet checked. Valid during the call. */
struct source_item {
    struct place place; /* right behind it: reading after this gives the next one */
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
    /* How many stand after a place; -1 if that cannot be told now. */
    int64_t (*count_after)(void *self, const struct place *after);
};

struct source {
    const struct source_ops *ops;
    void *self;
};

#endif
