/* store: where verified signals are kept. The committer knows this seam; store_pg and the tests' fakes fill it. */
#ifndef ALPINE_RECEIVER_STORE_H
#define ALPINE_RECEIVER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/outcome.h"
#include "format/signal.h"

enum store_verdict {
    STORE_UNKNOWN,   /* not in the store */
    STORE_STORED,    /* this call stored it */
    STORE_DUPLICATE, /* it was there before, with the same hash */
    STORE_CONFLICT,  /* its provider and signal_id are there with another hash */
    STORE_REFUSED,   /* the store will never take this row */
};

/* One signal: checked, verified. The inputs are borrowed for the call. */
struct store_row {
    const struct signal *signal;
    const char *provider;
    const char *canonical;      /* the exact text that was hashed; NUL-terminated ASCII */
    int64_t received_us;        /* wall clock when the request came in */
    enum store_verdict verdict; /* out */
    int64_t id;                 /* out: of the stored row, for all but STORE_UNKNOWN and STORE_REFUSED */
    char *refusal;              /* out: why, for STORE_REFUSED; whoever has the row frees it */
};

/* One thread at a time calls these. Each returns within its deadline (clock_monotonic_ns).
 *
 * Rows are stored in three steps, so that the next group can be on its way while one is committed:
 *
 *     send(a)  settle(a)  [send(b)]  confirm(a)  settle(b)  [send(c)]  confirm(b) ...
 *
 * Where others write to the same database, who sends early only waits with few rows for its turn. So there, before
 * a group is put together, take_turn waits until the turn has come, and nothing is sent behind a transaction:
 *
 *     take_turn  send(a)  settle(a)  confirm(a)  take_turn  send(b)  settle(b)  confirm(b) ...
 *
 * After settle said AGAIN there is nothing to confirm. Nothing else may be called between a send and its confirm
 * but what stands here, is_open and close; close forgets what was sent. */
struct store_ops {
    /* Connects and makes sure that a write works (schema version included): writes for real, and takes it back.
     * DONE or AGAIN. */
    enum outcome (*open)(void *self, int64_t deadline_ns, struct err *err);
    void (*close)(void *self);
    /* Whether others wrote at the same time lately. */
    bool (*is_contended)(void *self);
    /* Waits for this store's turn, if it is contended; it ends with the transaction that is sent next, or with
     * leave_turn. DONE or AGAIN. */
    enum outcome (*take_turn)(void *self, int64_t deadline_ns, struct err *err);
    /* Nothing is sent after all. */
    void (*leave_turn)(void *self);
    /* Begins to store all rows that are new, and that the store does not refuse, in one transaction. Waits for
     * nothing. The rows are borrowed until confirm, or settle's AGAIN; what is wrong, settle tells. */
    void (*send)(void *self, struct store_row **rows, size_t count, int64_t deadline_ns);
    /* Waits for the verdict of each row that was sent, and lets the transaction be committed. DONE: confirm tells
     * whether it is. AGAIN: nothing is known, the whole may be sent again. */
    enum outcome (*settle)(void *self, struct err *err);
    /* Waits for the end of the transaction that was settled. DONE: it is durable. AGAIN: as for settle. */
    enum outcome (*confirm)(void *self, struct err *err);
    /* Tells each row's verdict (STORE_UNKNOWN: would be stored) without storing. DONE or AGAIN. */
    enum outcome (*look_up)(void *self, struct store_row **rows, size_t count, int64_t deadline_ns,
                            struct err *err);
    /* Would a write work now? DONE or AGAIN. thorough: writes for real, and takes it back. */
    enum outcome (*probe)(void *self, bool thorough, int64_t deadline_ns, struct err *err);
    /* False once the connection is known to be lost: open it again. */
    bool (*is_open)(void *self);
    /* Becomes readable when the connection says something while nothing was asked, usually that it ends; -1: none.
     */
    int (*descriptor)(void *self);
};

/* Who wants to know of each error that the database reports, retried ones and those of a single row included. On
 * the thread that stores. sqlstate: its five characters; "": the connection is lost, or could not be made. */
struct store_watch {
    void (*on_error)(void *context, const char *sqlstate);
    void *context;
};

struct store {
    const struct store_ops *ops;
    void *self;
};

#endif
