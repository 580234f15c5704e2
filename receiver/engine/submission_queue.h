/* submission_queue: what waits to be stored, in the order in which it came. Any thread may call these. */
#ifndef ALPINE_RECEIVER_SUBMISSION_QUEUE_H
#define ALPINE_RECEIVER_SUBMISSION_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/submission.h"

struct submission_queue {
    size_t max; /* signals that may wait */

    pthread_mutex_t lock; /* guards what follows */
    struct submission *first;
    struct submission **last;
    size_t waiting; /* signals in the queue */
    bool closed;
};

void submission_queue_init(struct submission_queue *queue, size_t max);
/* It must be empty. */
void submission_queue_clear(struct submission_queue *queue);

/* Takes a submission over, unless there is no room (one alone always has some) or the queue is closed. */
MUST_CHECK bool submission_queue_push(struct submission_queue *queue, struct submission *submission);
/* Nothing is taken over any more; what waits can still be taken out. */
void submission_queue_close(struct submission_queue *queue);
bool submission_queue_is_closed(struct submission_queue *queue);
/* How many signals wait. */
size_t submission_queue_waiting(struct submission_queue *queue);

enum queue_head { HEAD_NONE, HEAD_DRY_RUN, HEAD_REAL };
/* What waits longest. */
enum queue_head submission_queue_head(struct submission_queue *queue);

/* What is stored together, and what it is too late for. */
struct submission_group {
    struct submission *submissions; /* all of them dry runs, or none */
    size_t count; /* signals to store or to look up; at most the maximum, or those of one submission */
    bool dry_run;
    struct submission *expired; /* queued before oldest_ns (monotonic) */
};
struct submission_group submission_queue_take(struct submission_queue *queue, size_t max, int64_t oldest_ns);

#endif
