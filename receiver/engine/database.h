/* database: whether the database can be written to, and what is done about it: connects, reconnects with backoff,
 * probes, and says each change once. */
#ifndef ALPINE_RECEIVER_DATABASE_H
#define ALPINE_RECEIVER_DATABASE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/backoff.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "seams/store.h"

enum database_state {
    DATABASE_AWAY,    /* not connected: submissions are refused at once */
    DATABASE_FAILING, /* connected, but the last write failed: submissions are tried, readiness says no */
    DATABASE_READY,
};

/* Belongs to whoever stores (committer.c), but for database_state and database_retry_after, which any thread may
 * call. */
struct database {
    const struct store *store;
    struct log *log;
    struct metrics *metrics;
    struct backoff backoff;
    int64_t probe_ns;             /* when the next probe is due */
    atomic_int state;             /* enum database_state */
    _Atomic int64_t reconnect_ns; /* when the next attempt is due */
};

/* All are borrowed; metrics may be NULL. */
void database_init(struct database *database, const struct store *store, struct log *log, struct metrics *metrics);
enum database_state database_state(struct database *database);
/* Seconds until it is worth asking again; at least 1. */
int database_retry_after(struct database *database);

/* Connects, or probes, if that is due. */
void database_tick(struct database *database);
/* When the next tick is due. */
int64_t database_due(struct database *database);
/* Notices that the server has closed the connection. */
void database_check(struct database *database);
/* A write succeeded, or failed for this reason: the connection may be lost. */
void database_wrote(struct database *database);
void database_failed(struct database *database, const struct err *err);
/* Closes the connection for good. */
void database_close(struct database *database);

#endif
