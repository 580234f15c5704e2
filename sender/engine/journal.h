/* journal: what the delivery writes down: how far it is in each source, what it settled there, and what it could
 * not deliver. A state that cannot be written is said once, and tried again; meanwhile no dead letter counts as
 * kept, and everything else is carried in memory. */
#ifndef ALPINE_SENDER_JOURNAL_H
#define ALPINE_SENDER_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "engine/tally.h"
#include "seams/state.h"

struct journal {
    const struct state *state;
    struct log *log;
    struct state_progress progress;
    int64_t buried;          /* dead letters, by this journal */
    bool unsaved;            /* something has changed since it was saved */
    bool failing;            /* said so already */
    bool unkept;             /* the last letter could not be kept: a save that works does not make all well */
    int64_t save_ns;         /* not before */
    int64_t block;           /* rows of this block of the table were settled … */
    struct state_tally more; /* … and are not noted in the state yet */
};

/* Loads the progress. Returns -1 and the reason in err. */
MUST_CHECK int journal_open(struct journal *journal, const struct state *state, struct log *log, struct err *err);

/* A signal was delivered: counts it, and lets letters of the same signal and hash leave. */
void journal_delivered(struct journal *journal, const char *signal_id, const char *sha256);
/* A letter was delivered. */
void journal_remove(struct journal *journal, int64_t dead_id);
/* Keeps a letter, durably. Returns -1 if that failed: then the signal must not be passed. */
MUST_CHECK int journal_bury(struct journal *journal, struct dead_letter *letter);
/* Walks the letters that are to be sent again. */
void journal_each_retry(struct journal *journal, dead_letter_visit *visit, void *visitor);

/* A row of the table is settled: delivered, dead, or not to be sent. */
void journal_row_settled(struct journal *journal, const struct table_row *row);
/* What was settled in a block. Returns -1 if the state cannot tell. mend adds to it. */
MUST_CHECK int journal_find_tally(struct journal *journal, int64_t block, struct state_tally *tally);
void journal_mend_tally(struct journal *journal, int64_t block, const struct state_tally *difference);

/* Signals that were delivered from the log, until the table has shown them and its saved place is beyond them.
 * find: 1 and the hash, or 0. */
void journal_note_sent(struct journal *journal, const char *signal_id, const char *sha256);
int journal_find_sent(struct journal *journal, const char *signal_id, char sha256[DIGEST_HEX_LEN + 1]);
void journal_sent_is_shown(struct journal *journal, const char *signal_id, int64_t position);

/* None was: the table's rows are sent, whatever went by the log. */
void journal_clear_sent(struct journal *journal);

/* Notes how far everything is settled; it is saved when journal_due has come. */
void journal_move(struct journal *journal, enum origin origin, const struct place *safe);
/* The table is begun again from its beginning: nothing of it is settled any more. */
void journal_restart_table(struct journal *journal);
/* Saves, if there is anything to save and it is time (or now_ns is INT64_MAX). */
void journal_tick(struct journal *journal, int64_t now_ns);
/* When journal_tick has something to do; INT64_MAX: never. */
int64_t journal_due(const struct journal *journal);

#endif
