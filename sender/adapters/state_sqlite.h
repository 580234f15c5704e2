/* state_sqlite: the state directory: state.db (places, counters, dead letters, what was settled) and the lock of
 * the one sender. */
#ifndef ALPINE_SENDER_STATE_SQLITE_H
#define ALPINE_SENDER_STATE_SQLITE_H

#include <sys/types.h>

#include "seams/state.h"

enum state_access {
    STATE_OWN,  /* the one that sends: takes the lock, creates what is missing, moves aside what is damaged */
    STATE_READ, /* looks only; nothing need be there */
    STATE_EDIT, /* another program that edits dead letters beside the one that sends */
};

struct state_options {
    const char *directory;
    enum state_access access;
    int64_t letters_max; /* for STATE_OWN: how many dead letters are kept at most */
    /* Called, now or later, when a damaged state.db was moved aside: where it is, until the next call. May be NULL.
     */
    void (*damaged)(void *context, const char *moved_to);
    void *context;
};

/* Returns NULL and the reason in err. The strings are copied. */
struct state *state_sqlite_open(const struct state_options *options, struct err *err);
void state_sqlite_close(struct state *state);

/* Has a sender ever used this directory? */
bool state_sqlite_exists(const char *directory);

/* Walks the signals that went by the log and that the table has not shown yet. Returns -1 on failure. */
typedef bool state_sent_visit(void *self, const char *signal_id);
MUST_CHECK int state_sqlite_each_sent(struct state *state, state_sent_visit *visit, void *visitor, struct err *err);

#endif
