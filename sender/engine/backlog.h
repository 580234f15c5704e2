/* backlog: what waits in a delivery, as far as that costs next to nothing to tell: for a line of status. */
#ifndef ALPINE_SENDER_BACKLOG_H
#define ALPINE_SENDER_BACKLOG_H

#include <stdint.h>

#include "engine/delivery.h"

/* When the oldest signal that waits was generated, by its own timestamp (microseconds since 1970); 0 if none waits,
 * or it has no timestamp that can be read. Reads one signal of each feed: what a source has behind those that were
 * read is newer. */
int64_t backlog_oldest_us(const struct delivery *delivery);
/* Since when no request has begun or ended, although some are under way; 0: none is. */
int64_t backlog_still_since_ns(const struct delivery *delivery);

#endif
