/* delivery_parts: what delivery.c (which decides what goes next), landing.c (which does what answers say),
 * measure.c (which counts) and backlog.c (which only looks) share. No other file includes it. */
#ifndef ALPINE_SENDER_DELIVERY_PARTS_H
#define ALPINE_SENDER_DELIVERY_PARTS_H

#include "base/outcome.h"
#include "engine/backend.h"
#include "engine/delivery_options.h"
#include "engine/feed.h"
#include "engine/journal.h"
#include "engine/once.h"
#include "engine/sweep.h"

struct delivery {
    struct delivery_options options;
    const struct transport *transport;
    struct log *log;
    struct metrics *metrics; /* may be NULL */
    struct journal journal;
    struct feed feeds[FEED_COUNT]; /* by kind */
    struct once once;
    struct sweep sweep;
    struct backend backend;
    unsigned in_flight; /* requests … */
    int64_t moved_ns;   /* … and when one of them last began or ended */
    bool stopping;
    int64_t doom_ns; /* when to try again to keep the letters that could not be kept */
    int64_t delivered;
    int64_t duplicates;
    int64_t delivered_at_stumble; /* when the receiver stumbled over something last; -1: it did not */
    bool said_other_id;           /* that answers have ids of their own */
};

/* A request, as the transport gives it back. */
struct flight {
    struct delivery *delivery;
    struct feed *feed;
    struct batch *batch;
    bool single; /* it went to /signal */
    int64_t sent_ns;
    char id[REQUEST_ID_SIZE];
};

/* Signals whose letters cannot be kept, and those that fail by themselves, wait in memory; with so many of them
 * nothing is read. */
enum { DELIVERY_HELD_MAX = 1000 };

/* Does what the answer to a flight says, and returns what it was for the flight as a whole: DONE if there was a
 * result for each signal. The flight is not in the air any more, and stays the caller's. */
enum outcome landing_handle(const struct flight *flight, const struct transport_answer *answer);
/* Keeps the letters of doomed batches, as far as the state takes them. */
void landing_bury_doomed(struct delivery *delivery);
/* The positions move to where everything before them is settled, and no further. */
void landing_note_progress(struct delivery *delivery);

#endif
