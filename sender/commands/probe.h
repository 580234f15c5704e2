/* probe: what check and test want to know of the receiver, each as an item of a report. */
#ifndef ALPINE_SENDER_PROBE_H
#define ALPINE_SENDER_PROBE_H

#include "base/report.h"

/* What the answer of a receiver tells besides. */
struct probe_facts {
    bool dry_run;                 /* it knows dry runs; an older one would store the signal */
    int64_t date_us;              /* its Date; 0: none */
    int64_t sent_us, answered_us; /* by this host's wall clock */
};

/* Reachable and healthy? */
bool probe_health(struct report *report, const struct invocation *invocation, struct probe_facts *facts);
/* Is the key accepted? Nothing is stored. */
bool probe_key(struct report *report, const struct invocation *invocation);
/* Sends a signal of its own as a dry run. */
bool probe_signal(struct report *report, const struct invocation *invocation);

#endif
