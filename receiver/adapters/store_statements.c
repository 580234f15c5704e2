/* store_statements: texts and types. What is done with them is store_insert's and store_look_up's. */
#include "adapters/store_statements.h"

#include <stdio.h>
#include <string.h>

#include "adapters/pg_array.h"
#include "adapters/store_locks.h"

enum { LOOK_UP_PARAMS = 3, SESSION_MS_MIN = 3000 };

/* The isolation level is said, whatever the database's default is: in a stricter one the snapshot would be older
 * than the lock, and the tip stale. */
static const char begin_sql[] = "BEGIN ISOLATION LEVEL READ COMMITTED";

/* Rules that are checked at the COMMIT are checked at once: after it no row could be found any more. */
static const char check_at_once_sql[] = "SET CONSTRAINTS ALL IMMEDIATE";

/* synchronous_commit is raised where it was lowered, never lowered where it is stricter, and kept for the
 * transaction: a change of the server's configuration takes effect between two of its statements. */
#define WAIT_FOR_THE_DISK                                                                                          \
    "set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') IN ('off', 'local') "        \
    "THEN 'on' ELSE current_setting('synchronous_commit') END, true), "
/* The time-outs keep a receiver that is stopped in mid-transaction from holding a lock for ever, and end what
 * nobody waits for any more. Warnings have to come: one tells that no standby confirmed. */
#define LIMITS(is_local)                                                                                           \
    "set_config('statement_timeout', CASE WHEN current_setting('statement_timeout')::interval "                    \
    "BETWEEN interval '1ms' AND make_interval(secs => $1 / 1000.0) THEN current_setting('statement_timeout') "     \
    "ELSE $1::text END, " is_local "), "                                                                           \
    "set_config('idle_in_transaction_session_timeout', '10s', " is_local "), "                                     \
    "set_config('client_min_messages', 'warning', " is_local "), "
#define LOCK_LIMIT(ms, is_local) "set_config('lock_timeout', least(" ms ")::text, " is_local "), "
#define TRANSACTION_SETTINGS     WAIT_FOR_THE_DISK LIMITS("true")

/* The lock is taken last, under these settings. A transaction's lock (not a session's) works behind pgbouncer, and
 * PostgreSQL gives it back whatever happens to the connection. */
#define CHAIN                                                                                                      \
    "CASE WHEN pg_try_advisory_xact_lock(" STORE_CHAIN_LOCK ") THEN 'free' "                                       \
    "ELSE 'waited for' || pg_advisory_xact_lock(" STORE_CHAIN_LOCK ")::text END"
/* The turn's lock is the session's, since it is passed on before the end of the transaction. It is taken within the
 * transaction, so that a time-out ends a receiver that stops with it. The wait is short, and leaves half of the
 * time: without the turn it goes too. */
#define TURN                                                                                                       \
    "CASE WHEN pg_try_advisory_lock(" STORE_TURN_LOCK ") THEN 'free' "                                             \
    "ELSE 'waited for' || pg_advisory_lock(" STORE_TURN_LOCK ")::text END"

static const char take_chain_sql[] = "SELECT " TRANSACTION_SETTINGS LOCK_LIMIT("$1, 10000", "true") CHAIN;
static const char take_chain_in_session_sql[] = "SELECT " WAIT_FOR_THE_DISK CHAIN;
static const char take_turn_sql[] = "SELECT " TRANSACTION_SETTINGS LOCK_LIMIT("($1 + 1) / 2, 1000", "true") TURN;
/* COMMIT gives the chain back at once; STATEMENT_MARK waits for the disk after it. Not where a standby has to
 * confirm: while that is away, a group that waits for it has to hold up the others, and nobody shall see what a
 * failover would take back. */
static const char follow_sql[] =
    "SELECT set_config('synchronous_commit', "
    "CASE current_setting('synchronous_standby_names') WHEN '' THEN 'off' "
    "ELSE current_setting('synchronous_commit') END, true), " LOCK_LIMIT("$1, 10000", "true") CHAIN;
/* A COMMIT waits for the disk (and a standby) only if its transaction has something in the log, and then for
 * everything before that. */
static const char mark_sql[] =
    "SELECT " TRANSACTION_SETTINGS "pg_logical_emit_message(true, 'alpine-receiver', 'mark')";

static const char look_up_sql[] = "SELECT input.n, coalesce(by_hash.id, by_id.id), by_hash.id IS NOT NULL "
                                  "FROM unnest($1, $2, $3) WITH ORDINALITY AS input(hash, signal_id, provider, n) "
                                  "LEFT JOIN LATERAL (SELECT id FROM signals "
                                  "WHERE verification_hash = input.hash LIMIT 1) AS by_hash ON true "
                                  "LEFT JOIN LATERAL (SELECT id FROM signals WHERE by_hash.id IS NULL "
                                  "AND provider = input.provider AND external_signal_id = input.signal_id LIMIT 1) "
                                  "AS by_id ON true WHERE coalesce(by_hash.id, by_id.id) IS NOT NULL";

static const Oid wait_types[] = {PG_OID_INT4};
static const Oid look_up_types[LOOK_UP_PARAMS] = {PG_OID_TEXT_ARRAY, PG_OID_TEXT_ARRAY, PG_OID_TEXT_ARRAY};

/* A little less than what a whole transaction has, for it is sent some time after it began to count; and never so
 * little that what is done at the beginning of a session, or a probe, could not be over in it. */
static int32_t session_ms(int64_t transaction_ns)
{
    int64_t ms = pg_conn_limit_ms(transaction_ns) * 15 / 16;
    return (int32_t)(ms < SESSION_MS_MIN ? SESSION_MS_MIN : ms < INT32_MAX ? ms : INT32_MAX);
}

int store_statements_init(struct store_statements *statements, int64_t transaction_ns)
{
    *statements = (struct store_statements){.session_ms = session_ms(transaction_ns)};
    size_t count = store_columns(statements->columns);
    statements->column_count = count;
    store_columns_insert_sql(statements->columns, count, false, &statements->insert_sql);
    store_columns_insert_sql(statements->columns, count, true, &statements->insert_one_sql);
    for (size_t i = 0; i < count; i++) {
        const struct pg_type *type = pg_type_find(statements->columns[i].type);
        statements->insert_types[i] = type->array_oid;
        statements->insert_one_types[i] = type->oid;
    }
    statements->insert_types[count] = PG_OID_TEXT_ARRAY;
    statements->insert_types[count + 1] = PG_OID_INT4;
    statements->insert_one_types[count] = PG_OID_INT4;
    const struct pg_statement list[STATEMENT_COUNT] = {
        [STATEMENT_BEGIN] = {"alpine_begin", begin_sql, 0, NULL},
        [STATEMENT_CHECK_AT_ONCE] = {"alpine_check_at_once", check_at_once_sql, 0, NULL},
        [STATEMENT_TAKE_CHAIN] = {"alpine_take_chain", take_chain_sql, 1, wait_types},
        [STATEMENT_TAKE_CHAIN_IN_SESSION] = {"alpine_take_chain_in_session", take_chain_in_session_sql, 0, NULL},
        [STATEMENT_FOLLOW] = {"alpine_follow", follow_sql, 1, wait_types},
        [STATEMENT_INSERT] = {"alpine_insert", statements->insert_sql.data, (int)count + 2,
                              statements->insert_types},
        [STATEMENT_INSERT_ONE] = {"alpine_insert_one", statements->insert_one_sql.data, (int)count + 1,
                                  statements->insert_one_types},
        [STATEMENT_COMMIT] = {"alpine_commit", "COMMIT", 0, NULL},
        [STATEMENT_TAKE_TURN] = {"alpine_take_turn", take_turn_sql, 1, wait_types},
        [STATEMENT_MARK] = {"alpine_mark", mark_sql, 1, wait_types},
        [STATEMENT_LOOK_UP] = {"alpine_look_up", look_up_sql, LOOK_UP_PARAMS, look_up_types},
    };
    memcpy(statements->list, list, sizeof list);
    return statements->insert_sql.failed || statements->insert_one_sql.failed ? -1 : 0;
}

void store_statements_clear(struct store_statements *statements)
{
    buf_clear(&statements->insert_sql);
    buf_clear(&statements->insert_one_sql);
}

/* A plan is made once, perhaps while the table is empty, and has to do when it is large. The limits need not be set
 * in each transaction then, which takes a twentieth of what one row does. */
static const char session_sql[] = "SELECT " LIMITS("false")
    LOCK_LIMIT("$1, 10000", "false") "set_config('enable_seqscan', 'off', false), "
                                     "set_config('plan_cache_mode', 'force_generic_plan', false)";

static int set_up_session(const struct store_statements *statements, struct pg_conn *conn, int64_t deadline_ns,
                          struct err *err)
{
    char limit_ms[24];
    const char *values[] = {limit_ms};
    const struct pg_params params = {.count = 1, .types = wait_types, .values = values};
    (void)snprintf(limit_ms, sizeof limit_ms, "%d", statements->session_ms);
    PGresult *result = pg_conn_run(conn, session_sql, &params, deadline_ns, err);
    PQclear(result);
    return result ? 0 : -1;
}

int store_statements_prepare(const struct store_statements *statements, struct pg_conn *conn, int64_t deadline_ns,
                             struct err *err)
{
    if (!pg_conn_is_ours(conn))
        return 0;
    if (set_up_session(statements, conn, deadline_ns, err))
        return -1;
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        if (pg_conn_prepare(conn, &statements->list[i], deadline_ns, err))
            return -1;
    return 0;
}

static int insert_one_params(const struct store_statements *statements, struct store_params *params,
                             const struct store_row *row, size_t pass_turn_at)
{
    for (size_t i = 0; i < statements->column_count; i++)
        if (store_params_add_value(params, &statements->columns[i], row))
            return -1;
    return store_params_add_number(params, pass_turn_at);
}

int store_statements_insert_params(const struct store_statements *statements, struct store_params *params,
                                   struct store_row **rows, size_t count, size_t pass_turn_at)
{
    if (count == 1)
        return insert_one_params(statements, params, rows[0], pass_turn_at);
    for (size_t i = 0; i < statements->column_count; i++)
        if (store_params_add_column(params, &statements->columns[i], rows, count))
            return -1;
    return store_params_add_previous(params, rows, count) || store_params_add_number(params, pass_turn_at) ? -1 : 0;
}

static const struct store_column *find_column(const struct store_statements *statements, const char *name)
{
    for (size_t i = 0; i < statements->column_count; i++)
        if (!strcmp(statements->columns[i].name, name))
            return &statements->columns[i];
    return NULL;
}

int store_statements_look_up_params(const struct store_statements *statements, struct store_params *params,
                                    struct store_row **rows, size_t count)
{
    static const char *const names[LOOK_UP_PARAMS] = {"verification_hash", "external_signal_id", "provider"};
    for (size_t i = 0; i < LOOK_UP_PARAMS; i++)
        if (store_params_add_column(params, find_column(statements, names[i]), rows, count))
            return -1;
    return 0;
}
