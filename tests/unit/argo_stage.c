/* argo_stage: see argo_stage.h. */
#include "argo_stage.h"

#include <stdio.h>
#include <stdlib.h>

#include "adapters/source_sqlite.h"
#include "taken.h"

void run(struct stage *stage, const char *sql)
{
    if (!stage->argo)
        assert_int_equal(sqlite3_open(folder_path(&stage->folder, "signals.db"), &stage->argo), SQLITE_OK);
    if (sqlite3_exec(stage->argo, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sqlite3_errmsg(stage->argo), sql);
}

void argo_leaves(struct stage *stage)
{
    assert_int_equal(sqlite3_close(stage->argo), SQLITE_OK);
    stage->argo = NULL;
}

void open_source(struct stage *stage, int busy_limit_ms)
{
    source_sqlite_free(stage->source);
    stage->source = source_sqlite_new(folder_path(&stage->folder, "signals.db"), busy_limit_ms);
    assert_non_null(stage->source);
    stage->table = source_sqlite_table(stage->source);
}

int argo_start(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    folder_make(&stage->folder);
    run(stage, "PRAGMA journal_mode = WAL; " SCHEMA);
    open_source(stage, BUSY_MS);
    *state = stage;
    return 0;
}

int argo_finish(void **state)
{
    struct stage *stage = *state;
    source_sqlite_free(stage->source);
    argo_leaves(stage);
    folder_remove(&stage->folder);
    free(stage);
    return 0;
}

void insert(struct stage *stage, int64_t id, const char *signal_id)
{
    char sql[1024];
    (void)snprintf(sql, sizeof sql, "INSERT INTO signals (id, signal_id, sha256) VALUES (%lld, '%s', 'AB')",
                   (long long)id, signal_id);
    run(stage, sql);
}

void insert_abc(struct stage *stage)
{
    insert(stage, 1, "a");
    insert(stage, 2, "b");
    insert(stage, 5, "c");
}

void check(struct stage *stage, enum source_status expected, const char *ids)
{
    assert_int_equal(read_on(stage->source, &stage->place, ids), expected);
}

bool has_changed(const struct stage *stage)
{
    return stage->source->ops->changed(stage->source->self);
}

int64_t count_after(const struct stage *stage)
{
    return stage->source->ops->count_after(stage->source->self, &stage->place);
}
