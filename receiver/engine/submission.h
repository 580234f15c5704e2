/* submission: the signals of one request on their way through the receiver. Belongs to one thread at a time: the
 * HTTP thread that read it, then the one that stores, then the HTTP thread again. */
#ifndef ALPINE_RECEIVER_SUBMISSION_H
#define ALPINE_RECEIVER_SUBMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "format/signal.h"
#include "seams/store.h"

/* One signal, in the order of the request. */
struct submission_entry {
    struct signal signal;
    enum fault fault;     /* FAULT_NONE: it goes to the store */
    const char *field;    /* which field is at fault, or NULL */
    const char *detail;   /* for a person, if there is a fault */
    struct store_row row; /* what the store gets and says */
};

enum submission_outcome {
    SUBMISSION_WAITING,
    SUBMISSION_COMMITTED,   /* every entry without a fault has its verdict, durably */
    SUBMISSION_UNAVAILABLE, /* nothing is known: it may be sent again */
};

struct submission {
    struct submission *next; /* in the queue */
    struct submission_entry *entries;
    size_t count;
    size_t capacity;
    size_t to_store;    /* entries without a fault */
    struct arena arena; /* details and canonical texts */
    bool dry_run;
    int64_t queued_ns; /* monotonic, when it was queued */
    enum submission_outcome outcome;
    int retry_after_s; /* for SUBMISSION_UNAVAILABLE */
    /* Both are called once by the thread that stores: done when the outcome is there, and release when that was
     * said to all of the group. After release the submission is forgotten. */
    void (*done)(struct submission *submission, void *context);
    void (*release)(struct submission *submission, void *context);
    void *context;
};

struct submission *submission_new(void);
void submission_free(struct submission *submission);
/* A new entry at the end, zeroed; NULL when out of memory. Pointers to earlier entries do not survive it. */
struct submission_entry *submission_add(struct submission *submission);

#endif
