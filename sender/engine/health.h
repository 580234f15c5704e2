/* health: whether the sender does what it is there for, and what is in the way if it does not. Pure: whoever asks
 * brings the facts. */
#ifndef ALPINE_SENDER_HEALTH_H
#define ALPINE_SENDER_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "engine/delivery.h"

/* What makes a sender unready. */
enum health_trouble {
    HEALTH_LAG,      /* the oldest unsent signal is too old, whatever the reason */
    HEALTH_HOLD,     /* something is misconfigured */
    HEALTH_SOURCE,   /* Argo's table cannot be read: what stands in it is not known */
    HEALTH_STATE,    /* the state directory cannot be written */
    HEALTH_STOPPING, /* it was told to end */
    HEALTH_TROUBLE_COUNT
};

struct health_facts {
    struct delivery_stats stats;
    int64_t oldest_age_us; /* of the oldest unsent signal; -1: none */
    int64_t lag_limit_ns;  /* ALPINE_MAX_LAG */
    bool stopping;
};

/* Is this in the way? */
bool health_has(const struct health_facts *facts, enum health_trouble trouble);
/* Nothing is. */
bool health_is_ready(const struct health_facts *facts);
/* For programs: "lag", "hold", "source", "state", "stopping". */
const char *health_trouble_name(enum health_trouble trouble);
/* Appends for people what is the matter, and what to mend where that is known. */
void health_explain(const struct health_facts *facts, enum health_trouble trouble, struct buf *text);

#endif
