/* status_pages: what `run` shows on ALPINE_SENDER_LISTEN: /livez, /readyz, /status and /metrics. Nothing secret is
 * among it. */
#ifndef ALPINE_SENDER_STATUS_PAGES_H
#define ALPINE_SENDER_STATUS_PAGES_H

#include "base/metrics.h"
#include "commands/link.h"

struct status_pages;

/* Begins to listen, and serves from the link's loop. The link is open, and borrowed like the state (the one that
 * the link's delivery uses) and the metrics (which it counts in). NULL and the reason in err on failure. */
struct status_pages *status_pages_open(struct link *link, struct state *state, struct metrics *metrics,
                                       struct err *err);
/* Before the link is closed. NULL is fine. */
void status_pages_close(struct status_pages *pages);

#endif
