/* store_look_up: one SELECT, by hash and by provider and signal_id. */
#include "adapters/store_look_up.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/store_params.h"

static const char look_up_sql[] = "SELECT input.n, coalesce(by_hash.id, by_id.id), by_hash.id IS NOT NULL "
                                  "FROM unnest($1, $2, $3) WITH ORDINALITY AS input(hash, signal_id, provider, n) "
                                  "LEFT JOIN signals by_hash ON by_hash.verification_hash = input.hash "
                                  "LEFT JOIN signals by_id ON by_id.provider = input.provider "
                                  "AND by_id.external_signal_id = input.signal_id "
                                  "WHERE coalesce(by_hash.id, by_id.id) IS NOT NULL";

static const struct store_column *find_column(const struct store_column *columns, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(columns[i].name, name))
            return &columns[i];
    return NULL;
}

int store_look_up_rows(struct pg_conn *conn, const struct store_column *columns, size_t column_count,
                       struct store_row **rows, size_t count, int64_t deadline_ns, struct err *err)
{
    static const char *const names[] = {"verification_hash", "external_signal_id", "provider"};
    struct store_params params = {0};
    int status = -1;
    for (size_t i = 0; i < 3; i++)
        if (store_params_add_column(&params, find_column(columns, column_count, names[i]), rows, count)) {
            err_set(err, "out of memory");
            goto out;
        }
    struct pg_params view = store_params_view(&params);
    PGresult *result = pg_conn_run(conn, look_up_sql, &view, deadline_ns, err);
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
    store_params_clear(&params);
    return status;
}
