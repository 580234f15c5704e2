/* batch: signals on their way, with the body that carries them. Pure memory. */
#ifndef ALPINE_SENDER_BATCH_H
#define ALPINE_SENDER_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "seams/source.h"

struct batch_item {
    int64_t position; /* in the source; with the mark its place */
    const char *mark;
    int64_t dead_id; /* of the dead letter that is sent again, or 0 */
    int64_t time_us; /* when it was generated, by its own timestamp; 0 where that is not known */
    const char *signal_id;
    const char *sha256;
    const char *symbol;
    const char *action;
    const char *reason; /* it is dead, and its letter is not kept yet; else NULL … */
    const char *detail; /* … and why, for a person */
    size_t offset;      /* of its JSON in the body */
    size_t len;         /* without the line's end */
};

/* A batch of one signal that failed: was it the link, or this one? */
struct stumble {
    unsigned failures; /* how often it did */
    bool alone;        /* and others went before it did again */
    unsigned times;    /* how often that was so … */
    int64_t first_ns;  /* … and since when, monotonic */
    int64_t again_ns;  /* not before */
    int64_t delivered; /* how many signals had been delivered when it failed last */
};

struct batch {
    struct batch *next;  /* in the list of what is outstanding */
    struct place before; /* a place before its first item: as far as the position may move while it waits */
    struct batch_item *items;
    size_t count;
    size_t capacity;
    int64_t read_ns; /* when it was read; monotonic */
    struct buf body; /* NDJSON: a line an item; before the first item's offset there may be old ones */
    struct arena arena;
    bool in_flight;
    bool postponed; /* others go first, because it stumbled */
    struct stumble stumble;
    bool careful; /* the receiver stumbled over something in it: its signals go one by one */
    bool doomed;  /* its items have reasons: it waits for their letters to be kept, and is never sent */
};

struct batch *batch_new(const struct place *before);
void batch_free(struct batch *batch);

/* Appends an item; everything is copied, reason and detail if there are any. Returns 0, or -1 when out of memory
 * (the batch is as it was). */
MUST_CHECK int batch_add(struct batch *batch, const struct batch_item *item, const char *json, size_t len);

/* Moves the first `count` items into a new batch of their own; 0 < count < batch->count. NULL when out of memory.
 */
struct batch *batch_take_front(struct batch *batch, size_t count);
/* What is sent for it: the lines of its items, one behind the other. */
const char *batch_body(const struct batch *batch, size_t *len);

/* Moves the items from `at` on into a new batch; 0 < at < count. NULL when out of memory. */
struct batch *batch_split(struct batch *batch, size_t at);

/* Keeps the items for which keep is true; at least one. The place before the batch stays. Returns -1 when out of
 * memory (all are kept). */
MUST_CHECK int batch_keep(struct batch *batch, const bool *keep);
/* A new batch of copies of the items for which wanted is true; at least one. Its place before is the batch's. NULL
 * when out of memory. */
struct batch *batch_extract(const struct batch *batch, const bool *wanted);
/* Notes that an item is dead, and why. Returns -1 when out of memory. */
MUST_CHECK int batch_doom(struct batch *batch, size_t index, const char *reason, const char *detail);

/* How old an item is, in microseconds: by its timestamp, or by when it was read, where that is longer ago: it has
 * no timestamp that is of any use, or one in the future. The times are those of now: wall clock, and monotonic. */
int64_t batch_age_us(const struct batch *batch, size_t index, int64_t wall_us, int64_t now_ns);

/* The place of an item. */
void batch_place(const struct batch *batch, size_t index, struct place *place);

#endif
