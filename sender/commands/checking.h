/* checking: what every check of `alpine-sender check` gets. A check adds its items to the report, each with what to
 * do unless it passes, and changes nothing: it may run beside the service. */
#ifndef ALPINE_SENDER_CHECKING_H
#define ALPINE_SENDER_CHECKING_H

#include "base/report.h"
#include "commands/settings.h"

struct checking {
    struct report *report;
    const struct invocation *invocation;
    const struct sender_settings *settings;
};

/* Argo's files and the state directory. */
void check_files(const struct checking *checking);
/* The way to the receiver, from the name to the key. Ends within about 15 s, whatever hangs. */
void check_network(const struct checking *checking);

#endif
