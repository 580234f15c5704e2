/* committer: one thread at a time writes. It takes everything that waits, stores it in one transaction, and only
 * then tells each submission. A thread of the committer's own does that, and keeps the connection: reconnects with
 * backoff, and knows whether a write would work. Who may wait does the first by himself while nobody else does. */
#ifndef ALPINE_RECEIVER_COMMITTER_H
#define ALPINE_RECEIVER_COMMITTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "engine/database.h"
#include "engine/submission.h"
#include "seams/store.h"

struct committer;

struct committer_options {
    size_t queue_max;        /* signals that may wait */
    size_t group_max;        /* signals in one transaction (one larger submission still goes alone) */
    int64_t time_limit_ns;   /* from submit to done: for waiting, and for the transaction */
    struct metrics *metrics; /* borrowed; or NULL */
};

/* How much of time_limit_ns is the transaction's. */
int64_t committer_transaction_ns(int64_t time_limit_ns);

/* Starts the thread. The store and the log must outlive it. NULL and the reason in err on failure. */
struct committer *committer_start(const struct store *store, const struct committer_options *options,
                                  struct log *log, struct err *err);
/* Stores what waits (as far as the database lets it), answers everything, ends the thread. It can still be asked,
 * and takes nothing any more. */
void committer_stop(struct committer *committer);
/* Once nobody asks it any more: frees it. Stop it first. */
void committer_free(struct committer *committer);

/* Any thread. Takes a submission over until its release is called. Returns false, and leaves it to the caller with
 * outcome and retry_after_s set, if the queue is full or the database is away. may_wait: this thread may store one
 * group here, as a rule with this submission in it; that takes little more than committer_transaction_ns at most.
 */
MUST_CHECK bool committer_submit(struct committer *committer, struct submission *submission, bool may_wait);

/* Any thread: would a write work now? *retry_after_s: when to ask again. */
bool committer_is_ready(struct committer *committer, int *retry_after_s);
enum database_state committer_database(struct committer *committer);
/* How many signals wait in the queue. */
size_t committer_waiting(struct committer *committer);

/* For one thread that looks now and then: since how long the committer's thread owes a sign that it turns
 * (pulse.h). The first one comes when it has tried to connect; while it works, one comes with each group, so that a
 * database that hangs delays it by time_limit_ns at most, half of that for who stores before it. */
int64_t committer_silence_ns(struct committer *committer, int64_t now_ns);

#endif
