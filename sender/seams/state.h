/* state: what the sender has to know after a restart: its places in the sources, the dead letters, and what it
 * settled. state_sqlite, state_none and the tests' fakes fill it.
 *
 * What is noted between two saves may be lost together, by a crash or a full disk; it costs duplicates, which the
 * receiver absorbs, and never a signal. Dead letters alone are durable at once. */
#ifndef ALPINE_SENDER_STATE_H
#define ALPINE_SENDER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "seams/source.h"

/* The sources that the sender keeps a place in. */
enum origin { ORIGIN_TABLE, ORIGIN_LOG, ORIGIN_COUNT };

/* "table", "log". */
static inline const char *origin_name(enum origin origin)
{
    return origin == ORIGIN_LOG ? "log" : "table";
}

struct dead_letter {
    int64_t id;         /* 0: not in the state yet */
    enum origin origin; /* where the signal was read … */
    int64_t position;   /* … and its position there */
    const char *signal_id;
    const char *sha256; /* as the signal gives it, "" if it gives none */
    const char *symbol;
    const char *action;
    const char *reason; /* the code: "hash_mismatch", "invalid_field", "conflict", … */
    const char *detail; /* for a person */
    const char *json;   /* what was, or would have been, sent */
    int64_t created_us; /* wall clock */
    bool retry;         /* somebody asked to send it again */
    const char
        *request_id; /* that was answered so, for the log; NULL: none was, or it is not known any more. Not kept */
};

/* Returns false to end the walk. The letter is valid during the call. */
typedef bool dead_letter_visit(void *self, const struct dead_letter *letter);

struct state_progress {
    struct place places[ORIGIN_COUNT];
    int64_t delivered;       /* signals, ever */
    int64_t last_success_us; /* wall clock, 0: never */
};

/* What was settled among the rows of one block of the table (engine/sweep.h). */
struct state_tally {
    int64_t rows;
    uint64_t sum;
};

struct state_ops {
    int (*load)(void *self, struct state_progress *progress, struct err *err);
    /* Makes everything that was noted since the last save one commit, with the progress. Not flushed to the disk:
     * losing the newest places costs duplicates. */
    int (*save)(void *self, const struct state_progress *progress, struct err *err);

    /* Durable on return: a signal whose letter is kept may be passed. Replaces the letter if it has an id, or if
     * there is one for the same signal_id and hash (without a signal_id: the same text at the same position). */
    int (*bury)(void *self, const struct dead_letter *letter, struct err *err);
    /* A letter was delivered after all: it leaves. */
    int (*remove)(void *self, int64_t id, struct err *err);
    /* A signal was delivered: letters of this id and hash, if there are any, leave. */
    int (*remove_delivered)(void *self, const char *signal_id, const char *sha256, struct err *err);
    /* Walks the letters that are to be sent again. */
    int (*each_retry)(void *self, dead_letter_visit *visit, void *visitor, struct err *err);

    /* Signals that were delivered from the log and that the table's saved place is not beyond. show_sent: the table
     * has it, at this position; with the save of a place beyond it the signal is forgotten. When there are too
     * many, the oldest are. find_sent returns 1 and the hash, 0, or -1. */
    int (*note_sent)(void *self, const char *signal_id, const char *sha256, struct err *err);
    int (*find_sent)(void *self, const char *signal_id, char sha256[DIGEST_HEX_LEN + 1], struct err *err);
    int (*show_sent)(void *self, const char *signal_id, int64_t position, struct err *err);
    int (*clear_sent)(void *self, struct err *err);

    /* Tallies of blocks. One that is not there counts as empty. */
    int (*add_tally)(void *self, int64_t block, const struct state_tally *more, struct err *err);
    int (*find_tally)(void *self, int64_t block, struct state_tally *tally, struct err *err);
    int (*clear_tallies)(void *self, struct err *err);
};

struct state {
    bool keeps_letters; /* false: what cannot be delivered is only said */
    const struct state_ops *ops;
    void *self;
};

#endif
