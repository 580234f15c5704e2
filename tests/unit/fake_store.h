/* fake_store: a store in memory that can be away, slow, or picky. Its members may be read and set under its lock
 * (fake_store_lock) while a committer uses it; fake_store_set and the waits take it themselves. */
#ifndef ALPINE_UNIT_FAKE_STORE_H
#define ALPINE_UNIT_FAKE_STORE_H

#include <pthread.h>
#include <stdbool.h>

#include "support.h"

#include "seams/store.h"

enum { STORED_MAX = 4000, CALLS_MAX = 4000 };

struct fake_store {
    struct store store;
    pthread_mutex_t lock;
    pthread_cond_t changed;

    /* how it behaves */
    int away;           /* open says AGAIN */
    int gate_closed;    /* settle and look_up wait until it is opened */
    int failing;        /* settle and look_up say AGAIN, and stay connected … */
    int losing;         /* … or lose the connection */
    int fail_confirms;  /* so many times confirm says AGAIN, and stays connected … */
    int confirm_loses;  /* … or loses the connection */
    int contended;      /* others write too: take_turn waits at the gate */
    int probe_fails;    /* probe says AGAIN */
    const char *bad[4]; /* signal_ids that it refuses, until NULL */

    /* what happened */
    int is_open;
    int opens; /* attempts */
    int closes;
    int probes;
    int lookups;
    int turns; /* that were taken */
    int has_turn;
    int waiting; /* calls that stand at the gate */
    int inserts; /* sends */
    size_t insert_counts[CALLS_MAX];
    struct {
        char signal_id[SIGNAL_ID_MAX + 1];
        char sha256[DIGEST_HEX_LEN + 1];
    } stored[STORED_MAX]; /* what is durable; its id is its index + 1 */
    int stored_count;

    struct store_row **sent; /* what is between send and settle, … */
    size_t sent_count;
    struct store_row **settled; /* … and between settle and confirm */
    size_t settled_count;
};

void fake_store_init(struct fake_store *fake);
void fake_store_clear(struct fake_store *fake);

/* Sets one of the members. */
void fake_store_set(struct fake_store *fake, int *member, int value);
int fake_store_get(struct fake_store *fake, const int *member);
/* Waits until the member is at least `least`; fails the test after some seconds. */
void fake_store_wait(struct fake_store *fake, const int *member, int least);

/* The id of the stored signal, 0 if it is not there. Takes the lock. */
int fake_store_find(struct fake_store *fake, const char *signal_id);

/* A moment some seconds from now, by which everything that a test waits for has happened. */
struct timespec fake_store_deadline(void);

#endif
