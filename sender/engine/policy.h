/* policy: what an answer means for a request as a whole. One table. */
#ifndef ALPINE_SENDER_POLICY_H
#define ALPINE_SENDER_POLICY_H

#include "base/outcome.h"
#include "seams/transport.h"

/* DONE: look into the body. AGAIN, HOLD: keep everything. NEVER: this very request (if it holds one signal). */
enum outcome policy_outcome(const struct transport_answer *answer);

/* What an operator can do about a HOLD. Static. */
const char *policy_advice(const struct transport_answer *answer);

#endif
