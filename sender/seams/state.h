/* state: what the sender has to know after a restart: its place in the source, and the dead letters. */
#ifndef ALPINE_SENDER_STATE_H
#define ALPINE_SENDER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "seams/source.h"

struct dead_letter {
    int64_t id;       /* 0: not in the state yet */
    int64_t position; /* in the source */
    const char *signal_id;
    const char *symbol;
    const char *action;
    const char *reason; /* the code: "hash_mismatch", "invalid_field", "conflict", … */
    const char *detail; /* for a person */
    const char *json;   /* what was, or would have been, sent */
    int64_t created_us; /* wall clock */
    bool retry;         /* somebody asked to send it again */
};

/* Returns false to end the walk. The letter is valid during the call. */
typedef bool dead_letter_visit(void *self, const struct dead_letter *letter);

struct state_progress {
    struct place place;
    int64_t delivered;       /* signals, ever */
    int64_t last_success_us; /* wall clock, 0: never */
};

struct state_ops {
    int (*load)(void *self, struct state_progress *progress, struct err *err);
    /* Not flushed to the disk: losing the newest place costs duplicates, which the receiver absorbs. */
    int (*save)(void *self, const struct state_progress *progress, struct err *err);
    /* Durable on return: a signal whose letter is kept may be passed. Replaces the letter if it has an id. */
    int (*bury)(void *self, const struct dead_letter *letter, struct err *err);
    /* A letter was delivered after all. */
    int (*remove)(void *self, int64_t id, struct err *err);
    /* Walks the letters that are to be sent again. */
    int (*each_retry)(void *self, dead_letter_visit *visit, void *visitor, struct err *err);
};

struct state {
    bool keeps_letters; /* false: what cannot be delivered is only said */
    const struct state_ops *ops;
    void *self;
};

#endif
