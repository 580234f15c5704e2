/* journal: what the delivery writes down: how far it is, and what it could not deliver. A state that cannot be
 * written is said once, and tried again; meanwhile no dead letter counts as kept. */
#ifndef ALPINE_SENDER_JOURNAL_H
#define ALPINE_SENDER_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "seams/state.h"

struct journal {
    const struct state *state;
    struct log *log;
    struct state_progress progress;
    int64_t buried;  /* dead letters, by this journal */
    bool unsaved;    /* progress has changed since it was saved */
    bool failing;    /* said so already */
    int64_t save_ns; /* not before */
};

/* Loads the progress. Returns -1 and the reason in err. */
MUST_CHECK int journal_open(struct journal *journal, const struct state *state, struct log *log, struct err *err);

/* A signal was delivered; dead_id is that of its letter, if it had one. */
void journal_delivered(struct journal *journal, int64_t dead_id);
/* Keeps a letter, durably. Returns -1 if that failed: then the signal must not be passed. */
MUST_CHECK int journal_bury(struct journal *journal, struct dead_letter *letter);
/* Walks the letters that are to be sent again. */
void journal_each_retry(struct journal *journal, dead_letter_visit *visit, void *visitor);

/* Notes how far everything is answered; it is saved when journal_due has come. */
void journal_move(struct journal *journal, const struct place *safe);
/* Saves, if there is anything to save and it is time (or now_ns is INT64_MAX). */
void journal_tick(struct journal *journal, int64_t now_ns);
/* When journal_tick has something to do; INT64_MAX: never. */
int64_t journal_due(const struct journal *journal);

#endif
