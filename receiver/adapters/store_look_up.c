/* store_look_up: one SELECT, by hash and by provider and signal_id. */
#include "adapters/store_look_up.h"

#include <stdlib.h>

static void take(const PGresult *result, struct store_row **rows)
{
    for (int i = 0; i < PQntuples(result); i++) {
        size_t n = strtoul(PQgetvalue(result, i, 0), NULL, 10);
        struct store_row *row = rows[n - 1];
        row->id = strtoll(PQgetvalue(result, i, 1), NULL, 10);
        row->verdict = PQgetvalue(result, i, 2)[0] == 't' ? STORE_DUPLICATE : STORE_CONFLICT;
    }
}

int store_look_up_rows(struct pg_conn *conn, const struct store_statements *statements, struct store_row **rows,
                       size_t count, int64_t deadline_ns, struct err *err)
{
    struct store_params params = {0};
    PGresult *result = NULL;
    int status = -1;
    if (store_statements_look_up_params(statements, &params, rows, count)) {
        err_set(err, "out of memory");
        goto out;
    }
    struct pg_params view = store_params_view(&params);
    if (pg_conn_queue(conn, &statements->list[STATEMENT_LOOK_UP], &view, err) || pg_conn_send(conn, err))
        goto out;
    result = pg_conn_await(conn, deadline_ns, err);
    if (!result)
        goto out;
    take(result, rows);
    status = 0;
out:
    PQclear(result);
    store_params_clear(&params);
    return status;
}
