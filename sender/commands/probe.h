/* probe: what check and test want to know of the receiver, each as an item of a report. */
#ifndef ALPINE_SENDER_PROBE_H
#define ALPINE_SENDER_PROBE_H

#include "base/report.h"

/* Reachable and healthy? *dry_run: it knows dry runs; an older receiver would store the signal. */
bool probe_health(struct report *report, const struct invocation *invocation, bool *dry_run);
/* Is the key accepted? Nothing is stored. */
bool probe_key(struct report *report, const struct invocation *invocation);
/* Sends a signal of its own as a dry run. */
bool probe_signal(struct report *report, const struct invocation *invocation);

#endif
