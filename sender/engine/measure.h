/* measure: what becomes of requests, as the metrics have it. Changes nothing else, and costs nothing where nobody
 * can see them. */
#ifndef ALPINE_SENDER_MEASURE_H
#define ALPINE_SENDER_MEASURE_H

#include "engine/delivery_parts.h"

/* A flight got its answer, or failed; before that is handled, for afterwards its batch may be another one. */
void measure_answer(const struct flight *flight, const struct transport_answer *answer);
/* … and this was what it came to. */
void measure_outcome(const struct delivery *delivery, enum outcome outcome);
/* An item of its batch was delivered. A dead letter that was sent again says nothing about latency. */
void measure_delivered(const struct flight *flight, const struct batch_item *item);

#endif
