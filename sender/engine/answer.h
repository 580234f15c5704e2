/* answer: what the body of an answer says of each signal. A success from something that is not a receiver is no
 * answer: delivered is only what the body names. */
#ifndef ALPINE_SENDER_ANSWER_H
#define ALPINE_SENDER_ANSWER_H

#include "base/outcome.h"
#include "engine/batch.h"
#include "seams/transport.h"

struct verdict {
    enum outcome outcome; /* DONE: delivered. NEVER: dead, with reason and detail. AGAIN: nothing is known. */
    bool duplicate;
    char reason[32];
    char detail[256];
    bool unnamed; /* refused, but not by name: for what came among others no answer at all */
};

/* For the answer to a single post (any status). */
void answer_read_single(const struct transport_answer *answer, const struct batch_item *item,
                        struct verdict *verdict);
/* For the 200 of a batch: a verdict for each item. Returns -1 if the body is not what a receiver answers. */
MUST_CHECK int answer_read_batch(const struct transport_answer *answer, const struct batch *batch,
                                 struct verdict *verdicts);
/* True if the body is that of a healthy receiver. *dry_run: it knows dry runs (older ones would store the signal).
 */
bool answer_is_healthy(const struct transport_answer *answer, bool *dry_run);

#endif
