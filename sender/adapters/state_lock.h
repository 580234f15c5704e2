/* state_lock: the lock of the one sender that works in a state directory.
 *
 * A record lock, because it can be looked at (F_GETLK tells who has it) without taking it. It goes with the
 * process, however that ends; the file must not be opened a second time by the process that has it, for closing
 * either descriptor would drop the lock. */
#ifndef ALPINE_SENDER_STATE_LOCK_H
#define ALPINE_SENDER_STATE_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* Returns the descriptor that holds the lock until it is closed. -1 and the reason in err; *owner is the pid of the
 * sender that has it, if that is the reason, else 0. */
MUST_CHECK int state_lock_take(const char *directory, pid_t *owner, struct err *err);
/* Is the file that the descriptor locks still the directory's? Not so once the directory was removed or replaced.
 */
bool state_lock_is_in_place(const char *directory, int fd);
/* The pid of the sender that has this directory now, 0 if there is none. */
pid_t state_lock_owner(const char *directory);

#endif
