/* state_letters: the dead letters, for people. */
#ifndef ALPINE_SENDER_STATE_LETTERS_H
#define ALPINE_SENDER_STATE_LETTERS_H

#include "seams/state.h"

/* Which dead letters an edit is about: one by its id, all with a reason, or all. */
struct dead_selection {
    int64_t id;         /* 0: by reason */
    const char *reason; /* NULL: any */
};

/* Walks the selected letters, the oldest first. Returns -1 and the reason in err on failure. */
MUST_CHECK int state_letters_each(struct state *state, const struct dead_selection *selection,
                                  dead_letter_visit *visit, void *visitor, struct err *err);
/* Walks the reasons that letters have, with how many have each. */
typedef void dead_reason_visit(void *self, const char *reason, int64_t count);
MUST_CHECK int state_letters_each_reason(struct state *state, dead_reason_visit *visit, void *visitor,
                                         struct err *err);
/* How many there are; -1 on error. */
int64_t state_letters_count(struct state *state);
/* Marks them for another try, which the running sender (or the next) makes. Returns how many, -1 on error. */
int64_t state_letters_retry(struct state *state, const struct dead_selection *selection, struct err *err);
/* Forgets them for ever; each leaves a row in the table `dropped`. Returns how many, -1 on error. */
int64_t state_letters_drop(struct state *state, const struct dead_selection *selection, struct err *err);

#endif
