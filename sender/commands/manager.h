/* manager: what `run` tells the service manager (base/notify): a status line, and that its loop still turns. */
#ifndef ALPINE_SENDER_MANAGER_H
#define ALPINE_SENDER_MANAGER_H

#include "base/loop.h"
#include "commands/link.h"

struct manager {
    struct link *link;
    struct loop_timer timer;
    int stuck_looks; /* so many times in a row */
};

/* Tells it that the service is ready, and from then on, from the link's own loop, how it goes. The link, whose
 * notify is used, must stay; so must the manager, until it is closed. */
void manager_open(struct manager *manager, struct link *link);
/* Before the link is closed. One that was never opened is fine. */
void manager_close(struct manager *manager);

#endif
