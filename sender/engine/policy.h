/* policy: what an answer means for a request as a whole. One table. */
#ifndef ALPINE_SENDER_POLICY_H
#define ALPINE_SENDER_POLICY_H

#include <stdbool.h>

#include "base/outcome.h"
#include "seams/transport.h"

/* DONE: look into the body. AGAIN, HOLD: keep everything. NEVER: this very request (if it holds one signal). */
enum outcome policy_outcome(const struct transport_answer *answer);

/* What an operator can do about a HOLD; else "". Static. */
const char *policy_advice(const struct transport_answer *answer);

/* For an AGAIN or a HOLD: does it seem that a certain signal of the request is the trouble? A receiver that
 * stumbles over a signal answers 500, a success that it then does not spell out, or a refusal without a reason. */
bool policy_blames_signal(const struct transport_answer *answer);
/* The same, or may it at least be so? A 502 of what stands in front of a receiver that breaks, say. */
bool policy_may_blame_signal(const struct transport_answer *answer);

#endif
