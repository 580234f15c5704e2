/* migrate: one transaction a file. A transaction's advisory lock works behind pgbouncer too; a session's does not.
 */
#include "adapters/migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/migrations.h"
#include "adapters/pg_conn.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/hex.h"

/* Building an index on a large table takes its time. */
#define MIGRATE_LIMIT_NS (3600 * NS_PER_S)
#define CONNECT_LIMIT_NS (10 * NS_PER_S)
#define MIGRATE_LOCK     "107069087837798"

static const char create_sql[] = "CREATE TABLE IF NOT EXISTS alpine_sync_migrations ("
                                 "version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, "
                                 "applied_at timestamptz NOT NULL DEFAULT now())";
static const char list_sql[] = "SELECT version, checksum FROM alpine_sync_migrations ORDER BY version";

int migrate_latest(void)
{
    return migrations[migration_count - 1].version;
}

static void checksum(const struct migration *migration, char digits[DIGEST_HEX_LEN + 1])
{
    struct digest digest;
    digest_sha256(migration->sql, migration->len, &digest);
    hex_encode(digest.bytes, DIGEST_SIZE, digits);
}

/* Returns 1 if the database has it, 0 if not, -1 if it has another text under that number. */
static int find_applied(const PGresult *applied, const struct migration *migration, struct err *err)
{
    char digits[DIGEST_HEX_LEN + 1];
    checksum(migration, digits);
    for (int i = 0; i < PQntuples(applied); i++) {
        if (strtol(PQgetvalue(applied, i, 0), NULL, 10) != migration->version)
            continue;
        if (!strcmp(PQgetvalue(applied, i, 1), digits))
            return 1;
        return err_set(err, "migration %s was applied with another text (checksum %.12s…, here %.12s…)",
                       migration->name, PQgetvalue(applied, i, 1), digits);
    }
    return 0;
}

static int newest(const PGresult *applied)
{
    int rows = PQntuples(applied);
    return rows ? (int)strtol(PQgetvalue(applied, rows - 1, 0), NULL, 10) : 0;
}

/* Everything that is applied must be known here, unchanged. */
static int check_history(const PGresult *applied, struct err *err)
{
    if (newest(applied) > migrate_latest())
        return err_set(err, "the database has schema version %d, newer than this program's %d", newest(applied),
                       migrate_latest());
    for (int i = 0; i < migration_count; i++)
        if (find_applied(applied, &migrations[i], err) < 0)
            return -1;
    return 0;
}

static int record(struct pg_conn *conn, const struct migration *migration, int64_t deadline_ns, struct err *err)
{
    char digits[DIGEST_HEX_LEN + 1];
    char version[16];
    checksum(migration, digits);
    (void)snprintf(version, sizeof version, "%d", migration->version);
    const char *values[] = {version, migration->name, digits};
    struct pg_params params = {.count = 3, .values = values};
    PGresult *result =
        pg_conn_run(conn, "INSERT INTO alpine_sync_migrations (version, name, checksum) VALUES ($1::int, $2, $3)",
                    &params, deadline_ns, err);
    PQclear(result);
    return result ? 0 : -1;
}

static PGresult *lock_and_list(struct pg_conn *conn, int64_t deadline_ns, struct err *err)
{
    /* The table is made under the lock: two CREATE … IF NOT EXISTS at once can collide. */
    if (pg_conn_do(conn, "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(" MIGRATE_LOCK ")",
                   deadline_ns, err) ||
        pg_conn_do(conn, create_sql, deadline_ns, err))
        return NULL;
    return pg_conn_run(conn, list_sql, NULL, deadline_ns, err);
}

/* Returns 1 if it was applied here, 0 if it was there, -1 on error (the transaction is gone with the connection).
 */
static int apply_one(struct pg_conn *conn, const struct migration *migration, int64_t deadline_ns, struct err *err)
{
    PGresult *applied = lock_and_list(conn, deadline_ns, err);
    if (!applied)
        return -1;
    int known = check_history(applied, err) ? -1 : find_applied(applied, migration, err);
    PQclear(applied);
    if (known < 0)
        return -1;
    if (!known) {
        struct err reason = {0};
        if (pg_conn_do(conn, migration->sql, deadline_ns, &reason))
            return err_set(err, "migration %s: %s", migration->name, reason.message);
        if (record(conn, migration, deadline_ns, err))
            return -1;
    }
    if (pg_conn_do(conn, "COMMIT", deadline_ns, err))
        return -1;
    return !known;
}

int migrate_apply(const char *url, migrate_report *report, void *self, struct err *err)
{
    int64_t start = clock_monotonic_ns();
    struct pg_conn *conn = pg_conn_open(url, start + CONNECT_LIMIT_NS, err);
    int status = -1;
    if (!conn)
        return -1;
    for (int i = 0; i < migration_count; i++) {
        int fresh = apply_one(conn, &migrations[i], start + MIGRATE_LIMIT_NS, err);
        if (fresh < 0)
            goto out;
        report(self, migrations[i].name, true, fresh);
    }
    status = 0;
out:
    pg_conn_close(conn);
    return status;
}

int migrate_status(const char *url, migrate_report *report, void *self, int *current, struct err *err)
{
    int64_t deadline = clock_monotonic_ns() + CONNECT_LIMIT_NS;
    struct pg_conn *conn = pg_conn_open(url, deadline, err);
    PGresult *applied = NULL;
    int status = -1;
    *current = 0;
    if (!conn)
        return -1;
    applied = pg_conn_run(conn, list_sql, NULL, deadline, err);
    bool none = !applied && !strcmp(pg_conn_sqlstate(conn), "42P01");
    if (!applied && !none)
        goto out;
    for (int i = 0; i < migration_count; i++) {
        int known = none ? 0 : find_applied(applied, &migrations[i], err);
        if (known < 0)
            goto out;
        report(self, migrations[i].name, known, false);
    }
    *current = none ? 0 : newest(applied);
    status = none ? 0 : check_history(applied, err);
out:
    PQclear(applied);
    pg_conn_close(conn);
    return status;
}
