/* notify: tells the service manager how the service is, as sd_notify(3) says: datagrams to $NOTIFY_SOCKET. One
 * thread at a time. NULL is a notify that tells nobody, and every function takes it. */
#ifndef ALPINE_BASE_NOTIFY_H
#define ALPINE_BASE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

struct notify;

enum notify_state {
    NOTIFY_READY,     /* it does its work, for the first time or again after a reload */
    NOTIFY_RELOADING, /* READY follows, whatever comes of it */
    NOTIFY_STOPPING,
};

/* Reads NOTIFY_SOCKET (a path, or an abstract name after '@'), WATCHDOG_USEC and WATCHDOG_PID. NULL if nobody wants
 * to be told, or cannot be; the latter is logged, and so is what is wrong with the watchdog, which is then not fed.
 * The log is borrowed. */
struct notify *notify_open(struct log *log);
void notify_close(struct notify *notify);

/* Tells it now, waiting a second at most if the manager does not read; a failure is logged. The next tick is
 * due at once, and may tell another status. */
void notify_tell(struct notify *notify, enum notify_state state);
/* When notify_tick has something to do (clock_monotonic_ns); INT64_MAX: never. */
int64_t notify_due(const struct notify *notify);
/* Feeds the watchdog, if that is due and the service is alive, and tells the status (one line, copied) if it is
 * another than the last one, which was told 5 s ago at least. Never waits: what the manager cannot take now, the
 * next tick tells. */
void notify_tick(struct notify *notify, int64_t now_ns, bool alive, const char *status);

#endif
