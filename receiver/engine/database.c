/* database: one state with one writer. Knows nothing of submissions. */
#include "engine/database.h"

#include "base/clock.h"
#include "base/digest.h"
#include "engine/metrics.h"

#define RECONNECT_FIRST_NS (50 * NS_PER_MS)
#define RECONNECT_CAP_NS   (1 * NS_PER_S) /* back in under 2 s once the database is */
#define CONNECT_LIMIT_NS   (3 * NS_PER_S)
#define PROBE_LIMIT_NS     (2 * NS_PER_S)
#define PROBE_INTERVAL_NS  (1 * NS_PER_S)

void database_init(struct database *database, const struct store *store, struct log *log, struct metrics *metrics)
{
    *database = (struct database){.store = store, .log = log, .metrics = metrics};
    database->backoff = (struct backoff){.first_ns = RECONNECT_FIRST_NS, .cap_ns = RECONNECT_CAP_NS};
}

static void set_state(struct database *database, enum database_state state)
{
    static const char *const names[] = {"away", "failing", "ready"};
    int before = atomic_exchange(&database->state, (int)state);
    if (before != (int)state)
        log_write_limited(database->log, state == DATABASE_READY ? LOG_INFO : LOG_WARN,
                          LOG_WITH(LOG_STR("from", names[before]), LOG_STR("to", names[state])), "Database is %s",
                          names[state]);
}

enum database_state database_state(struct database *database)
{
    return (enum database_state)atomic_load(&database->state);
}

int database_retry_after(struct database *database)
{
    int64_t left = atomic_load(&database->reconnect_ns) - clock_monotonic_ns();
    return left <= NS_PER_S ? 1 : (int)((left + NS_PER_S - 1) / NS_PER_S);
}

static void schedule_reconnect(struct database *database)
{
    uint32_t random = 0;
    struct err ignored;
    if (digest_random((unsigned char *)&random, sizeof random, &ignored))
        random = UINT32_MAX;
    int64_t pause = backoff_next(&database->backoff, random, 0);
    atomic_store(&database->reconnect_ns, clock_monotonic_ns() + pause);
}

static void lose_connection(struct database *database, const struct err *err)
{
    if (database->backoff.failures == 0)
        log_write_limited(database->log, LOG_ERROR, LOG_PLAIN, "Database unavailable: %s", err->message);
    else
        log_write(database->log, LOG_DEBUG, LOG_PLAIN, "Database still unavailable: %s", err->message);
    database->store->ops->close(database->store->self);
    schedule_reconnect(database);
    set_state(database, DATABASE_AWAY);
}

static void connect_if_due(struct database *database)
{
    struct err err = {0};
    int64_t now = clock_monotonic_ns();
    if (now < atomic_load(&database->reconnect_ns))
        return;
    if (database->store->ops->open(database->store->self, now + CONNECT_LIMIT_NS, &err) != OUTCOME_DONE) {
        lose_connection(database, &err);
        return;
    }
    metrics_add(database->metrics, RECEIVER_DATABASE_CONNECTS, 0, 1);
    backoff_reset(&database->backoff);
    database->probe_ns = clock_monotonic_ns() + PROBE_INTERVAL_NS;
    set_state(database, DATABASE_READY);
}

static void probe_if_due(struct database *database)
{
    struct err err = {0};
    int64_t now = clock_monotonic_ns();
    if (now < database->probe_ns)
        return;
    database->probe_ns = now + PROBE_INTERVAL_NS;
    bool thorough = database_state(database) == DATABASE_FAILING; /* it looked well before, and a write failed */
    enum outcome outcome = database->store->ops->probe(database->store->self, thorough, now + PROBE_LIMIT_NS, &err);
    if (!database->store->ops->is_open(database->store->self))
        lose_connection(database, &err);
    else
        set_state(database, outcome == OUTCOME_DONE ? DATABASE_READY : DATABASE_FAILING);
}

void database_tick(struct database *database)
{
    if (database_state(database) == DATABASE_AWAY)
        connect_if_due(database);
    else
        probe_if_due(database);
}

int64_t database_due(struct database *database)
{
    bool away = database_state(database) == DATABASE_AWAY;
    return away ? atomic_load(&database->reconnect_ns) : database->probe_ns;
}

void database_check(struct database *database)
{
    struct err err;
    if (database_state(database) == DATABASE_AWAY || database->store->ops->is_open(database->store->self))
        return;
    err_set(&err, "the database closed the connection");
    lose_connection(database, &err);
}

void database_wrote(struct database *database)
{
    set_state(database, DATABASE_READY);
}

void database_failed(struct database *database, const struct err *err)
{
    if (!database->store->ops->is_open(database->store->self)) {
        lose_connection(database, err);
        return;
    }
    if (database_state(database) == DATABASE_READY)
        log_write_limited(database->log, LOG_ERROR, LOG_PLAIN, "Could not store signals: %s", err->message);
    set_state(database, DATABASE_FAILING);
}

void database_close(struct database *database)
{
    database->store->ops->close(database->store->self);
    set_state(database, DATABASE_AWAY);
}
