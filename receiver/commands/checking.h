/* checking: what every check of `alpine-receiver check` gets. A check adds its items to the report, each with what
 * to do unless it passes, and changes nothing: it may run beside the service. */
#ifndef ALPINE_RECEIVER_CHECKING_H
#define ALPINE_RECEIVER_CHECKING_H

#include "base/report.h"
#include "commands/settings.h"

struct checking {
    struct report *report;
    const struct receiver_settings *settings;
};

/* From the names in DATABASE_URL to a write that is rolled back. Ends within about 15 s, whatever hangs. */
void check_database(const struct checking *checking);

#endif
