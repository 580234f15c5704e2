/* store_pg: one transaction a batch: take the chain's lock, read its tip, insert what is new, tell what was not.
 *
 * The chain has no gaps and no forks because whoever extends it holds one advisory lock from before it reads the
 * tip until its COMMIT is visible. A transaction's lock (not a session's) works behind pgbouncer, and PostgreSQL
 * gives it back whatever happens to the connection. */
#include "adapters/store_pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/pg_array.h"
#include "adapters/pg_conn.h"
#include "adapters/sqlstate.h"
#include "adapters/store_columns.h"
#include "base/clock.h"

enum { ATTEMPTS_MAX = 4 };

/* Of this product alone; 'alpine' in ASCII. tests/system uses it to hold the chain. */
#define CHAIN_LOCK "107069087837797"

/* One round trip. The isolation level is said, whatever the database's default is: in a stricter one the snapshot
 * would be older than the lock, and the tip stale. synchronous_commit is raised where it was lowered and never
 * lowered where it is stricter; the time-outs keep a receiver that is stopped in mid-transaction from holding the
 * chain for ever. */
static const char begin_sql[] = "BEGIN ISOLATION LEVEL READ COMMITTED; "
                                "SELECT set_config('synchronous_commit', 'on', true) "
                                "WHERE current_setting('synchronous_commit') IN ('off', 'local'); "
                                "SELECT set_config('idle_in_transaction_session_timeout', '10s', true), "
                                "set_config('lock_timeout', '10s', true); "
                                "SELECT pg_advisory_xact_lock(" CHAIN_LOCK "); "
                                "SELECT chain_index, verification_hash FROM signals WHERE chain_index IS NOT NULL "
                                "ORDER BY chain_index DESC LIMIT 1";

static const char look_up_sql[] = "SELECT input.n, coalesce(by_hash.id, by_id.id), by_hash.id IS NOT NULL "
                                  "FROM unnest($1, $2, $3) WITH ORDINALITY AS input(hash, signal_id, provider, n) "
                                  "LEFT JOIN signals by_hash ON by_hash.verification_hash = input.hash "
                                  "LEFT JOIN signals by_id ON by_id.provider = input.provider "
                                  "AND by_id.external_signal_id = input.signal_id "
                                  "WHERE coalesce(by_hash.id, by_id.id) IS NOT NULL";

static const char writable_sql[] =
    "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool, "
    "has_table_privilege('signals', 'INSERT') AND has_table_privilege('signals', 'SELECT')";

static const char trial_sql[] =
    "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT set_config('lock_timeout', '1s', true); "
    "INSERT INTO signals (symbol, action, price, confidence, rationale, verification_hash, is_active, canonical) "
    "VALUES ('TEST', 'BUY', 1, 0.5, 'a trial that is rolled back', "
    "encode(sha256(convert_to('alpine-receiver trial', 'UTF8')), 'hex'), false, 'alpine-receiver trial')";

struct store_pg {
    struct store store;
    const char *url;
    int schema_version;
    struct pg_conn *conn;
    struct store_column columns[STORE_COLUMNS_MAX];
    size_t column_count;
    struct buf insert_sql;
};

/* --- connecting -------------------------------------------------------------------------------------------- */

static void store_close(void *self)
{
    struct store_pg *pg = self;
    pg_conn_close(pg->conn);
    pg->conn = NULL;
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

/* A row that breaks a rule of Alpine's own shows that the database writes as well as one that goes in. */
static enum outcome write_and_take_back(struct store_pg *pg, int64_t deadline_ns, struct err *err)
{
    struct err ignored;
    bool refused = pg_conn_do(pg->conn, trial_sql, deadline_ns, err) != 0;
    bool bad_row = refused && sqlstate_action(pg_conn_sqlstate(pg->conn)) == SQLSTATE_BAD_ROW;
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
    if (!read_only && allowed)
        return thorough ? write_and_take_back(pg, deadline_ns, err) : OUTCOME_DONE;
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
    if (!pg->conn)
        return OUTCOME_AGAIN;
    if (!check_schema(pg, deadline_ns, err) && store_probe(pg, false, deadline_ns, err) == OUTCOME_DONE)
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

/* --- parameters -------------------------------------------------------------------------------------------- */

struct array_params {
    struct buf arrays[STORE_COLUMNS_MAX + 2];
    Oid types[STORE_COLUMNS_MAX + 2];
    const char *values[STORE_COLUMNS_MAX + 2];
    int lengths[STORE_COLUMNS_MAX + 2];
    int formats[STORE_COLUMNS_MAX + 2];
    int count;
    struct arena arena;
};

static void params_clear(struct array_params *params)
{
    for (int i = 0; i < params->count; i++)
        buf_clear(&params->arrays[i]);
    arena_clear(&params->arena);
    *params = (struct array_params){0};
}

static int params_add_column(struct array_params *params, const struct store_column *column,
                             struct store_row **rows, size_t count)
{
    struct buf *array = &params->arrays[params->count];
    const struct pg_type *type = pg_type_find(column->type);
    pg_array_begin(array, type, count);
    for (size_t i = 0; i < count; i++) {
        struct value value = store_column_value(column, rows[i], &params->arena);
        pg_array_add(array, type, &value);
    }
    params->types[params->count] = type->array_oid;
    params->values[params->count] = array->data;
    params->lengths[params->count] = (int)array->len;
    params->formats[params->count++] = 1;
    return array->failed ? -1 : 0;
}

static void params_add_scalar(struct array_params *params, const char *type, const char *text)
{
    params->types[params->count] = pg_type_find(type)->oid;
    params->values[params->count++] = text;
}

static struct pg_params params_view(const struct array_params *params)
{
    return (struct pg_params){params->count, params->types, params->values, params->lengths, params->formats};
}

/* --- telling duplicates from conflicts --------------------------------------------------------------------- */

static const struct store_column *find_column(const struct store_pg *pg, const char *name)
{
    for (size_t i = 0; i < pg->column_count; i++)
        if (!strcmp(pg->columns[i].name, name))
            return &pg->columns[i];
    return NULL;
}

static int look_up(struct store_pg *pg, struct store_row **rows, size_t count, int64_t deadline_ns, struct err *err)
{
    static const char *const names[] = {"verification_hash", "external_signal_id", "provider"};
    struct array_params params = {0};
    int status = -1;
    for (size_t i = 0; i < 3; i++)
        if (params_add_column(&params, find_column(pg, names[i]), rows, count)) {
            err_set(err, "out of memory");
            goto out;
        }
    struct pg_params view = params_view(&params);
    PGresult *result = pg_conn_run(pg->conn, look_up_sql, &view, deadline_ns, err);
    if (!result)
        goto out;
    for (int i = 0; i < PQntuples(result); i++) {
        size_t n = strtoul(PQgetvalue(result, i, 0), NULL, 10);
        struct store_row *row = rows[n - 1];
        row->id = strtoll(PQgetvalue(result, i, 1), NULL, 10);
        row->verdict = PQgetvalue(result, i, 2)[0] == 't' ? STORE_DUPLICATE : STORE_CONFLICT;
    }
    PQclear(result);
    status = 0;
out:
    params_clear(&params);
    return status;
}

static enum outcome store_look_up(void *self, struct store_row **rows, size_t count, int64_t deadline_ns,
                                  struct err *err)
{
    return look_up(self, rows, count, deadline_ns, err) ? OUTCOME_AGAIN : OUTCOME_DONE;
}

/* --- inserting --------------------------------------------------------------------------------------------- */

/* Stable by position: of rows with the same hash the first one is the one that the INSERT takes. */
static int compare_hashes(const void *a, const void *b)
{
    struct store_row *const *left = a;
    struct store_row *const *right = b;
    int order = strcmp((*left)->signal->sha256, (*right)->signal->sha256);
    if (order)
        return order;
    uintptr_t first = (uintptr_t)*left;
    uintptr_t second = (uintptr_t)*right;
    return (first > second) - (first < second);
}

static struct store_row *first_with_hash(struct store_row **sorted, size_t count, const char *hash)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(sorted[middle]->signal->sha256, hash) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && !strcmp(sorted[low]->signal->sha256, hash) ? sorted[low] : NULL;
}

/* Marks the rows that the INSERT returned. Returns how many, -1 if the chain would get a gap. */
static int mark_stored(const PGresult *result, struct store_row **sorted, size_t count, int tip)
{
    int stored = PQntuples(result);
    int last = tip;
    for (int i = 0; i < stored; i++) {
        struct store_row *row = first_with_hash(sorted, count, PQgetvalue(result, i, 1));
        int index = (int)strtol(PQgetvalue(result, i, 2), NULL, 10);
        if (!row)
            return -1;
        row->verdict = STORE_STORED;
        row->id = strtoll(PQgetvalue(result, i, 0), NULL, 10);
        last = index > last ? index : last;
    }
    return last == tip + stored ? stored : -1;
}

struct attempt {
    struct store_row **rows;
    struct store_row **sorted;
    size_t count;
    int64_t deadline_ns;
    struct array_params params;
};

/* Returns the number of stored rows; -1: an error of the database; -2: somebody else was faster, try again. */
static int insert_after_tip(struct store_pg *pg, struct attempt *attempt, PGresult *tip, struct err *err)
{
    bool empty = PQntuples(tip) == 0;
    const char *tip_index = empty ? "-1" : PQgetvalue(tip, 0, 0);
    const char *tip_hash = empty ? NULL : PQgetvalue(tip, 0, 1);
    attempt->params.count = (int)pg->column_count;
    params_add_scalar(&attempt->params, "int4", tip_index);
    params_add_scalar(&attempt->params, "text", tip_hash);
    struct pg_params view = params_view(&attempt->params);
    PGresult *result = pg_conn_run(pg->conn, pg->insert_sql.data, &view, attempt->deadline_ns, err);
    if (!result)
        return -1;
    int stored = mark_stored(result, attempt->sorted, attempt->count, (int)strtol(tip_index, NULL, 10));
    PQclear(result);
    return stored < 0 ? -2 : stored;
}

static int resolve_others(struct store_pg *pg, const struct attempt *attempt, struct err *err)
{
    size_t others = 0;
    struct store_row **rest = malloc(attempt->count * sizeof *rest);
    if (!rest)
        return err_set(err, "out of memory");
    for (size_t i = 0; i < attempt->count; i++)
        if (attempt->rows[i]->verdict == STORE_UNKNOWN)
            rest[others++] = attempt->rows[i];
    int failed = others ? look_up(pg, rest, others, attempt->deadline_ns, err) : 0;
    for (size_t i = 0; !failed && i < others; i++)
        if (rest[i]->verdict == STORE_UNKNOWN)
            failed = err_set(err, "a signal was neither stored nor found");
    free(rest);
    return failed;
}

static enum outcome roll_back(struct store_pg *pg, int64_t deadline_ns)
{
    enum sqlstate_action action = sqlstate_action(pg_conn_sqlstate(pg->conn));
    struct err ignored;
    if (!pg_conn_is_open(pg->conn))
        return OUTCOME_AGAIN;
    if (pg_conn_do(pg->conn, "ROLLBACK", deadline_ns, &ignored))
        return OUTCOME_AGAIN;
    if (action == SQLSTATE_RETRY)
        return OUTCOME_DONE;
    return action == SQLSTATE_BAD_ROW ? OUTCOME_NEVER : OUTCOME_AGAIN;
}

/* One transaction. DONE with *committed: durable. DONE without: it lost a race and was rolled back, run it again.
 */
static enum outcome try_insert(struct store_pg *pg, struct attempt *attempt, bool *committed, struct err *err)
{
    *committed = false;
    for (size_t i = 0; i < attempt->count; i++)
        attempt->rows[i]->verdict = STORE_UNKNOWN;
    PGresult *tip = pg_conn_run(pg->conn, begin_sql, NULL, attempt->deadline_ns, err);
    if (!tip)
        return roll_back(pg, attempt->deadline_ns);
    int stored = insert_after_tip(pg, attempt, tip, err);
    PQclear(tip);
    if (stored == -2) {
        err_set(err, "another writer inserts the same signals without the chain's lock");
        return pg_conn_do(pg->conn, "ROLLBACK", attempt->deadline_ns, err) ? OUTCOME_AGAIN : OUTCOME_DONE;
    }
    if (stored < 0 || ((size_t)stored < attempt->count && resolve_others(pg, attempt, err)))
        return roll_back(pg, attempt->deadline_ns);
    /* From here on an error leaves it in doubt: the answer is 503, and the resend finds the rows. */
    (void)pg_conn_take_warning(pg->conn);
    if (pg_conn_do(pg->conn, "COMMIT", attempt->deadline_ns, err))
        return roll_back(pg, attempt->deadline_ns) == OUTCOME_NEVER ? OUTCOME_NEVER : OUTCOME_AGAIN;
    if (pg_conn_take_warning(pg->conn)) {
        err_set(err, "the standby did not confirm the commit");
        return OUTCOME_AGAIN;
    }
    *committed = true;
    return OUTCOME_DONE;
}

static int prepare(struct store_pg *pg, struct attempt *attempt, struct err *err)
{
    attempt->sorted = malloc(attempt->count * sizeof *attempt->sorted);
    if (!attempt->sorted)
        return err_set(err, "out of memory");
    memcpy(attempt->sorted, attempt->rows, attempt->count * sizeof *attempt->sorted);
    qsort(attempt->sorted, attempt->count, sizeof *attempt->sorted, compare_hashes);
    for (size_t i = 0; i < pg->column_count; i++)
        if (params_add_column(&attempt->params, &pg->columns[i], attempt->rows, attempt->count))
            return err_set(err, "out of memory");
    return 0;
}

static enum outcome store_insert(void *self, struct store_row **rows, size_t count, int64_t deadline_ns,
                                 struct err *err)
{
    struct store_pg *pg = self;
    struct attempt attempt = {.rows = rows, .count = count, .deadline_ns = deadline_ns};
    enum outcome outcome = OUTCOME_AGAIN;
    if (prepare(pg, &attempt, err))
        goto out;
    for (int tries = 0; tries < ATTEMPTS_MAX; tries++) {
        bool committed;
        outcome = try_insert(pg, &attempt, &committed, err);
        if (outcome != OUTCOME_DONE || committed)
            goto out;
    }
    outcome = OUTCOME_AGAIN;
out:
    attempt.params.count = (int)pg->column_count;
    params_clear(&attempt.params);
    free(attempt.sorted);
    return outcome;
}

/* --- life -------------------------------------------------------------------------------------------------- */

static const struct store_ops ops = {
    .open = store_open,
    .close = store_close,
    .insert = store_insert,
    .look_up = store_look_up,
    .probe = store_probe,
    .is_open = store_is_open,
    .descriptor = store_descriptor,
};

struct store *store_pg_new(const char *url, int schema_version)
{
    struct store_pg *pg = calloc(1, sizeof *pg);
    if (!pg)
        return NULL;
    pg->store = (struct store){&ops, pg};
    pg->url = url;
    pg->schema_version = schema_version;
    pg->column_count = store_columns(pg->columns);
    store_columns_insert_sql(pg->columns, pg->column_count, &pg->insert_sql);
    if (pg->insert_sql.failed) {
        store_pg_free(&pg->store);
        return NULL;
    }
    return &pg->store;
}

void store_pg_free(struct store *store)
{
    if (!store)
        return;
    struct store_pg *pg = store->self;
    store_close(pg);
    buf_clear(&pg->insert_sql);
    free(pg);
}
