/* store_pg: connecting, and whether a write would work; the work itself is store_insert's and store_look_up's. */
#include "adapters/store_pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/pg_conn.h"
#include "adapters/sqlstate.h"
#include "adapters/store_insert.h"
#include "adapters/store_locks.h"
#include "adapters/store_look_up.h"
#include "adapters/store_statements.h"
#include "base/clock.h"

static const char writable_sql[] =
    "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool, "
    "has_table_privilege('signals', 'INSERT') AND has_table_privilege('signals', 'SELECT')";

/* By name, for its parameters differ between versions. */
static const char may_mark_sql[] =
    "SELECT coalesce(bool_and(has_function_privilege(oid, 'EXECUTE')), false) FROM pg_proc "
    "WHERE proname = 'pg_logical_emit_message' AND pronamespace = 'pg_catalog'::regnamespace";

/* What a batch needs, the chain's lock included. The ids are given, so that a trial uses none up. */
static const char trial_sql[] =
    "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT set_config('lock_timeout', '1s', true), "
    "set_config('statement_timeout', '%lld', true); SELECT pg_advisory_xact_lock(" STORE_CHAIN_LOCK "); "
    "INSERT INTO signals (id, symbol, action, price, confidence, rationale, verification_hash, is_active, "
    "canonical) "
    "OVERRIDING SYSTEM VALUE SELECT -n, 'TEST', 'BUY', 1, 0.5, 'a trial that is rolled back', "
    "encode(sha256(convert_to(text, 'UTF8')), 'hex'), false, text FROM generate_series(1, %zu) AS n, "
    "LATERAL (SELECT rpad('alpine-receiver trial ' || n, 500, '.')) AS canonical(text)";

enum { TRIAL_ROWS_MAX = 2000, INSERTS = 2 };
/* One group that did not have to wait is no sign that nobody else writes. */
enum { CONTENDED_GROUPS = 16 };
#define LEAVE_LIMIT_NS (1 * NS_PER_S)

struct store_pg {
    struct store store;
    const char *url;
    struct store_watch watch;
    int schema_version;
    struct pg_conn *conn;
    bool may_mark; /* see store_group.h */
    struct store_statements statements;
    struct store_group inserts[INSERTS]; /* one is confirmed while the next one is on its way */
    struct store_group *sent;
    struct store_group *settled;
    unsigned contended_groups; /* for so many more groups it counts as contended */
    bool expects_duplicates;   /* what was there already made up the last group that was looked up */
    size_t failed_count;       /* rows of the largest insert that failed since one did not */
};

/* --- connecting -------------------------------------------------------------------------------------------- */

static void store_close(void *self)
{
    struct store_pg *pg = self;
    pg_conn_close(pg->conn);
    pg->conn = NULL;
    pg->sent = NULL;
    pg->settled = NULL;
    for (size_t i = 0; i < INSERTS; i++)
        pg->inserts[i].turn = TURN_NONE;
}

static int check_schema(struct store_pg *pg, int64_t deadline_ns, struct err *err)
{
    PGresult *result = pg_conn_run(pg->conn, "SELECT coalesce(max(version), 0) FROM alpine_sync_migrations", NULL,
                                   deadline_ns, err);
    if (!result) {
        if (!strcmp(pg_conn_sqlstate(pg->conn), "42P01"))
            err_set(err, "the database has not been migrated: run alpine-receiver migrate");
        return -1;
    }
    int version = (int)strtol(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    if (version == pg->schema_version)
        return 0;
    return err_set(err,
                   version < pg->schema_version
                       ? "the database has schema version %d, this program needs %d: run alpine-receiver migrate"
                       : "the database has schema version %d, newer than this program's %d: upgrade it",
                   version, pg->schema_version);
}

/* Everybody may, by default. It is asked again after a write that failed. */
static int check_mark(struct store_pg *pg, int64_t deadline_ns, struct err *err)
{
    PGresult *result = pg_conn_run(pg->conn, may_mark_sql, NULL, deadline_ns, err);
    if (!result)
        return -1;
    pg->may_mark = PQgetvalue(result, 0, 0)[0] == 't';
    PQclear(result);
    return 0;
}

/* Did it fail for taking too long? Then a smaller one may work, and must be tried: a trial that is always too large
 * would keep the receiver away for ever. On a full disk the size stays. */
static bool was_too_slow(struct store_pg *pg)
{
    const char *state = pg_conn_sqlstate(pg->conn);
    return !pg_conn_is_open(pg->conn) || !strcmp(state, "57014") || !strcmp(state, "55P03");
}

/* Larger than what failed: on a full disk one small row may still find a place. A row that breaks a rule of
 * Alpine's own table shows that the database writes as well as one that goes in. */
static enum outcome write_and_take_back(struct store_pg *pg, int64_t deadline_ns, struct err *err)
{
    struct err ignored;
    char sql[sizeof trial_sql + 64];
    size_t rows = 1 + 2 * pg->failed_count < TRIAL_ROWS_MAX ? 1 + 2 * pg->failed_count : TRIAL_ROWS_MAX;
    (void)snprintf(sql, sizeof sql, trial_sql, (long long)pg_conn_statement_ms(deadline_ns), rows);
    bool refused = pg_conn_do(pg->conn, sql, deadline_ns, err) != 0;
    bool bad_row = refused && sqlstate_action(pg_conn_sqlstate(pg->conn)) == SQLSTATE_BAD_ROW &&
                   pg_conn_error_is_about(pg->conn, "signals");
    if (refused && !bad_row && was_too_slow(pg))
        pg->failed_count = rows / 8; /* a quarter of the rows the next time */
    if (!pg_conn_is_open(pg->conn) || pg_conn_do(pg->conn, "ROLLBACK", deadline_ns, &ignored))
        return OUTCOME_AGAIN;
    return !refused || bad_row ? OUTCOME_DONE : OUTCOME_AGAIN;
}

static enum outcome store_probe(void *self, bool thorough, int64_t deadline_ns, struct err *err)
{
    struct store_pg *pg = self;
    PGresult *result = pg_conn_run(pg->conn, writable_sql, NULL, deadline_ns, err);
    if (!result)
        return OUTCOME_AGAIN;
    bool read_only = PQgetvalue(result, 0, 0)[0] == 't';
    bool allowed = PQgetvalue(result, 0, 1)[0] == 't';
    PQclear(result);
    if (!read_only && allowed && !thorough)
        return OUTCOME_DONE;
    if (!read_only && allowed)
        return check_mark(pg, deadline_ns, err) ? OUTCOME_AGAIN : write_and_take_back(pg, deadline_ns, err);
    if (!read_only) {
        err_set(err, "this role may not write: GRANT INSERT, SELECT ON signals");
        return OUTCOME_AGAIN;
    }
    /* The writable one may be another host of the url by now. */
    store_close(pg);
    err_set(err, "the database is read-only");
    return OUTCOME_AGAIN;
}

static enum outcome store_open(void *self, int64_t deadline_ns, struct err *err)
{
    struct store_pg *pg = self;
    pg->conn = pg_conn_open(pg->url, deadline_ns, err);
    if (!pg->conn) {
        if (pg->watch.on_error)
            pg->watch.on_error(pg->watch.context, "");
        return OUTCOME_AGAIN;
    }
    pg_conn_watch(pg->conn, pg->watch.on_error, pg->watch.context);
    if (!check_schema(pg, deadline_ns, err) &&
        !store_statements_prepare(&pg->statements, pg->conn, deadline_ns, err) &&
        store_probe(pg, true, deadline_ns, err) == OUTCOME_DONE)
        return OUTCOME_DONE;
    store_close(pg);
    return OUTCOME_AGAIN;
}

static bool store_is_open(void *self)
{
    struct store_pg *pg = self;
    return pg->conn && pg_conn_is_open(pg->conn);
}

static int store_descriptor(void *self)
{
    struct store_pg *pg = self;
    return pg->conn ? pg_conn_descriptor(pg->conn) : -1;
}

/* --- rows -------------------------------------------------------------------------------------------------- */

static struct store_group *next_insert(struct store_pg *pg, int64_t deadline_ns)
{
    struct store_group *insert = &pg->inserts[pg->settled == &pg->inserts[0]];
    insert->conn = pg->conn;
    insert->statements = &pg->statements;
    insert->deadline_ns = deadline_ns;
    insert->may_mark = pg->may_mark;
    return insert;
}

static void note_contention(struct store_pg *pg, bool has_waited)
{
    if (has_waited)
        pg->contended_groups = CONTENDED_GROUPS;
    else if (pg->contended_groups)
        pg->contended_groups--;
}

static bool store_is_contended(void *self)
{
    const struct store_pg *pg = self;
    return pg->contended_groups > 0;
}

/* What is there already needs no turn. */
static enum outcome store_take_turn(void *self, int64_t deadline_ns, struct err *err)
{
    struct store_pg *pg = self;
    if (!pg->contended_groups || pg->expects_duplicates)
        return OUTCOME_DONE;
    struct store_group *insert = next_insert(pg, deadline_ns);
    return store_insert_take_turn(insert, err);
}

static void store_leave_turn(void *self)
{
    struct store_pg *pg = self;
    store_insert_leave_turn(next_insert(pg, clock_monotonic_ns() + LEAVE_LIMIT_NS));
}

static void store_send(void *self, struct store_row **rows, size_t count, int64_t deadline_ns)
{
    struct store_pg *pg = self;
    struct store_group *insert = next_insert(pg, deadline_ns);
    insert->rows = rows;
    insert->count = count;
    pg->sent = insert;
    store_insert_send(insert, pg->expects_duplicates, pg->settled != NULL);
}

static enum outcome note_outcome(struct store_pg *pg, const struct store_group *insert, enum outcome outcome)
{
    if (outcome == OUTCOME_DONE)
        pg->failed_count = 0;
    else if (insert->count > pg->failed_count)
        pg->failed_count = insert->count;
    return outcome;
}

static enum outcome store_settle(void *self, struct err *err)
{
    struct store_pg *pg = self;
    struct store_group *insert = pg->sent;
    enum outcome outcome = store_insert_settle(insert, &pg->expects_duplicates, err);
    note_contention(pg, insert->has_waited);
    pg->sent = NULL;
    if (outcome != OUTCOME_DONE)
        return note_outcome(pg, insert, outcome);
    pg->settled = insert;
    return OUTCOME_DONE;
}

static enum outcome store_confirm(void *self, struct err *err)
{
    struct store_pg *pg = self;
    struct store_group *insert = pg->settled;
    pg->settled = NULL;
    return note_outcome(pg, insert, store_insert_confirm(insert, err));
}

static enum outcome store_look_up(void *self, struct store_row **rows, size_t count, int64_t deadline_ns,
                                  struct err *err)
{
    struct store_pg *pg = self;
    int failed = store_look_up_rows(pg->conn, &pg->statements, rows, count, deadline_ns, err);
    return failed ? OUTCOME_AGAIN : OUTCOME_DONE;
}

/* --- life -------------------------------------------------------------------------------------------------- */

static const struct store_ops ops = {
    .open = store_open,
    .close = store_close,
    .is_contended = store_is_contended,
    .take_turn = store_take_turn,
    .leave_turn = store_leave_turn,
    .send = store_send,
    .settle = store_settle,
    .confirm = store_confirm,
    .look_up = store_look_up,
    .probe = store_probe,
    .is_open = store_is_open,
    .descriptor = store_descriptor,
};

struct store *store_pg_new(const char *url, int schema_version, int64_t transaction_ns)
{
    struct store_pg *pg = calloc(1, sizeof *pg);
    if (!pg)
        return NULL;
    pg->store = (struct store){&ops, pg};
    pg->url = url;
    pg->schema_version = schema_version;
    if (store_statements_init(&pg->statements, transaction_ns)) {
        store_pg_free(&pg->store);
        return NULL;
    }
    return &pg->store;
}

void store_pg_watch(struct store *store, const struct store_watch *watch)
{
    struct store_pg *pg = store->self;
    pg->watch = *watch;
}

void store_pg_free(struct store *store)
{
    if (!store)
        return;
    struct store_pg *pg = store->self;
    store_close(pg);
    for (size_t i = 0; i < INSERTS; i++)
        store_insert_clear(&pg->inserts[i]);
    store_statements_clear(&pg->statements);
    free(pg);
}
