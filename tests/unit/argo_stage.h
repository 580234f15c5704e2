/* argo_stage: Argo's database in a directory of its own, and Argo writing to it, for the tests of source_sqlite. */
#ifndef ALPINE_UNIT_ARGO_STAGE_H
#define ALPINE_UNIT_ARGO_STAGE_H

#include <sqlite3.h>

#include "folder.h"
#include "support.h"

#include "seams/source.h"
#include "seams/table.h"

#define SCHEMA "CREATE TABLE signals (id INTEGER PRIMARY KEY AUTOINCREMENT, signal_id TEXT, sha256 TEXT, more)"

/* In milliseconds. */
enum { BUSY_MS = 20 };

struct stage {
    struct folder folder;
    struct source *source;
    const struct table *table;
    struct place place;
    sqlite3 *argo; /* the writer's connection; NULL: none */
};

/* cmocka's setup and teardown; *state is the struct stage. The table is there, and empty. */
int argo_start(void **state);
int argo_finish(void **state);

/* Opens the source anew; the place stays. */
void open_source(struct stage *stage, int busy_limit_ms);
/* Argo runs this SQL. */
void run(struct stage *stage, const char *sql);
/* Argo closes its connection; run opens another. */
void argo_leaves(struct stage *stage);
/* A row whose sha256 is "AB". */
void insert(struct stage *stage, int64_t id, const char *signal_id);
/* "a" at 1, "b" at 2, "c" at 5. */
void insert_abc(struct stage *stage);

/* Reads on from the place, and checks the status and the ids (read_on). */
void check(struct stage *stage, enum source_status expected, const char *ids);
bool has_changed(const struct stage *stage);
int64_t count_after(const struct stage *stage);

#endif
