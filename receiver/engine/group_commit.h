/* group_commit: takes what waits out of the queue, stores it in one transaction, and only then tells each
 * submission. One thread at a time may call these (the committer sees to it), and it waits for the database.
 *
 * The promise of the whole product is kept here: a submission is told COMMITTED only after the store confirmed a
 * transaction that holds it, and that is after the database's COMMIT. Whatever else happens is UNAVAILABLE, and the
 * sender sends it again. */
#ifndef ALPINE_RECEIVER_GROUP_COMMIT_H
#define ALPINE_RECEIVER_GROUP_COMMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/pulse.h"
#include "engine/database.h"
#include "engine/submission_queue.h"
#include "seams/store.h"

/* Everything is borrowed. */
struct group_commit {
    const struct store *store;
    struct submission_queue *queue;
    struct database *database;
    struct metrics *metrics; /* or NULL */
    struct log *log;
    size_t group_max;   /* signals in one transaction (one larger submission still goes alone) */
    int64_t waiting_ns; /* in the queue; UNAVAILABLE beyond */
    int64_t transaction_ns;
};

/* Stores one group. False if nothing waits. */
bool group_commit_once(const struct group_commit *commit);
/* Stores until nothing waits any more; while one group is committed the next one is on its way to the database
 * already. A beat with each group. False if nothing waits. */
bool group_commit_all(const struct group_commit *commit, struct pulse *pulse);

#endif
