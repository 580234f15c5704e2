/* link: a delivery with everything around it, as run, sync and send need it: loop, transport, timers, signals. */
#ifndef ALPINE_SENDER_LINK_H
#define ALPINE_SENDER_LINK_H

#include <stdbool.h>

#include "base/command.h"
#include "base/loop.h"
#include "base/notify.h"
#include "base/reload.h"
#include "commands/settings.h"
#include "engine/delivery.h"

struct link {
    struct invocation *invocation;
    const struct sender_settings *settings;
    struct loop *loop;
    struct transport *transport;
    struct delivery *delivery;
    struct notify *notify;   /* borrowed; NULL at first */
    struct metrics *metrics; /* borrowed; may be NULL */
    struct reload reload;
    struct loop_timer delivery_timer;
    struct loop_timer stop_timer;
    int events_fd;
    bool stop_asked;
    bool stop_overdue;
};

/* Opens it, between these ends: transport and log are the link's own, the others stay the caller's. from_beginning:
 * everything is sent once more. Returns -1 and the reason in err; close it in any case. */
MUST_CHECK int link_open(struct link *link, struct invocation *invocation, const struct delivery_ends *ends,
                         bool from_beginning, struct err *err);
void link_close(struct link *link);
/* Begins a request beside those of the delivery. */
MUST_CHECK int link_send(struct link *link, const struct transport_request *request, struct err *err);
/* Waits for what comes next and does it. */
void link_step(struct link *link);
/* Begins nothing new, waits for what is in flight (25 s at most), saves. */
void link_finish(struct link *link);

#endif
