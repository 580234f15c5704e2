/* state_sqlite: the state directory: state.db (place, counters, dead letters) and the lock of the one sender. */
#ifndef ALPINE_SENDER_STATE_SQLITE_H
#define ALPINE_SENDER_STATE_SQLITE_H

#include <sys/types.h>

#include "seams/state.h"

enum state_access {
    STATE_OWN,  /* the one that sends: takes the lock, creates what is missing */
    STATE_READ, /* looks only; nothing need be there */
    STATE_EDIT, /* another program that edits dead letters beside the one that sends */
};

/* Returns NULL and the reason in err. *owner is the pid of the sender that has the lock, if that is the reason. */
struct state *state_sqlite_open(const char *directory, enum state_access access, pid_t *owner, struct err *err);
void state_sqlite_close(struct state *state);

/* Has a sender ever used this directory? */
bool state_sqlite_exists(const char *directory);

/* For people: walks all dead letters, the oldest first; reason NULL: whatever reason. */
MUST_CHECK int state_sqlite_each_dead(struct state *state, const char *reason, dead_letter_visit *visit,
                                      void *visitor, struct err *err);
/* How many there are; -1 on error. */
int64_t state_sqlite_count_dead(struct state *state);

/* Which dead letters an edit is about: one by its id, all with a reason, or all. */
struct dead_selection {
    int64_t id;         /* 0: by reason */
    const char *reason; /* NULL: any */
};

/* Marks them for another try, which the running sender (or the next) makes. Returns how many, -1 on error. */
int64_t state_sqlite_retry_dead(struct state *state, const struct dead_selection *selection, struct err *err);
/* Forgets them for ever; each leaves a row in the table `dropped`. Returns how many, -1 on error. */
int64_t state_sqlite_drop_dead(struct state *state, const struct dead_selection *selection, struct err *err);
/* The pid of the sender that has this directory now, 0 if there is none. */
pid_t state_sqlite_owner(const char *directory);

#endif
