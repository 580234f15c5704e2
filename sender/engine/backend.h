/* backend: what is known of the receiver: whether it takes signals, when to try again, and what to mend. Says each
 * change once. */
#ifndef ALPINE_SENDER_BACKEND_H
#define ALPINE_SENDER_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/backoff.h"
#include "base/log.h"
#include "seams/transport.h"

enum link_state {
    LINK_UP,       /* as far as is known */
    LINK_RETRYING, /* the last attempt failed; the next one is timed */
    LINK_DOWN,     /* so did the quick retries; one signal is tried now and then */
    LINK_HOLDING,  /* something is misconfigured; one signal is tried now and then */
};

struct backend {
    struct log *log;
    const char *url;
    enum link_state state;
    const char *advice; /* while holding: what to mend. Static */
    int64_t retry_ns;   /* while not up: when the next attempt is due */
    int64_t hold_interval_ns;
    struct backoff backoff;
    size_t batch_size; /* signals in a request: batch_max, or fewer where that many took too long */
    size_t batch_max;
    bool was_away;             /* single signals failed too: it was not their number that took too long */
    bool single;               /* it has no batch call */
    int64_t batch_again_ns;    /* when to try one all the same */
    int64_t compress_again_ns; /* not before: a compressed batch was not understood */
};

/* An attempt succeeded. */
void backend_up(struct backend *backend);
/* How many signals may go in a request now: one while it is only found out whether any can. */
size_t backend_batch_size(const struct backend *backend);
/* A request of so many signals got no answer in time: from now on fewer go in one, and one request at a time. */
void backend_shrink_batch(struct backend *backend, size_t count);
/* A request of so many was answered: more may go again. */
void backend_grow_batch(struct backend *backend, size_t count);
bool backend_is_shrunk(const struct backend *backend);
/* An attempt failed for now. Several requests may fail at once: only the first of them, or a probe, lengthens the
 * pause. */
void backend_retry(struct backend *backend, const struct transport_answer *answer);
/* How long a signal rests that failed so many times by itself, while others go: as the link would, with jitter. */
int64_t backend_rest_ns(const struct backend *backend, unsigned failures);
/* An attempt failed for a reason that a person must mend. */
void backend_hold(struct backend *backend, const struct transport_answer *answer);
/* A compressed batch was not understood: for a while they travel plain. */
void backend_distrust_compression(struct backend *backend);
bool backend_may_compress(const struct backend *backend, int64_t now_ns);
/* There is no batch call: an older receiver, which takes single signals. single_max is for the log. */
void backend_go_single(struct backend *backend, unsigned single_max);
/* Does it take single signals only? Forgets that after a while, so that a batch is tried again. */
bool backend_is_single(struct backend *backend, int64_t now_ns);

#endif
