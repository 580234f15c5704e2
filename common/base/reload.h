/* reload: what SIGHUP asks for. Every setting is read anew; those that may change while the program runs are
 * applied, all or none of them, and the log says of each setting what became of it. */
#ifndef ALPINE_BASE_RELOAD_H
#define ALPINE_BASE_RELOAD_H

#include <stdbool.h>

#include "base/command.h"

/* Switches the program over to the values (its struct of values; text there lives until the next reload). Either
 * all of it, or it returns -1 with everything as it was. */
typedef int reload_apply(void *context, const void *values, struct err *err);

/* Belongs to one thread. The first three members are the caller's to set, the others begin as zero. */
struct reload {
    struct invocation *invocation;
    reload_apply *apply;
    void *context;
    struct config *applied; /* what the last reload read; NULL: there was none */
    void *values;           /* of it */
};

/* Reads, checks against the needs (struct setting, needed_by), applies and logs. What cannot be applied is compared
 * with the values at the start, so that it is said again until the restart. Returns whether it was applied; if not,
 * the log has the reason. */
bool reload_run(struct reload *reload, unsigned needs);
void reload_clear(struct reload *reload);

#endif
