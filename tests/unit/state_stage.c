/* state_stage: see state_stage.h. */
#include "state_stage.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/state_letters.h"

static void damaged(void *context, const char *moved_to)
{
    struct stage *stage = context;
    stage->damages++;
    (void)snprintf(stage->moved_to, sizeof stage->moved_to, "%s", moved_to);
}

struct state *stage_open(struct stage *stage, enum state_access access)
{
    struct state_options options = {.directory = stage->folder.path,
                                    .access = access,
                                    .letters_max = LETTERS_MAX,
                                    .damaged = damaged,
                                    .context = stage};
    stage->err = (struct err){0};
    return state_sqlite_open(&options, &stage->err);
}

static void open_own(struct stage *stage)
{
    stage->state = stage_open(stage, STATE_OWN);
    if (!stage->state)
        fail_msg("not opened: %s", stage->err.message);
}

void stage_crash(struct stage *stage)
{
    state_sqlite_close(stage->state);
    open_own(stage);
}

int stage_start(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    folder_make(&stage->folder);
    open_own(stage);
    *state = stage;
    return 0;
}

int stage_finish(void **state)
{
    struct stage *stage = *state;
    state_sqlite_close(stage->state);
    folder_remove(&stage->folder);
    free(stage);
    return 0;
}

static sqlite3 *open_beside(struct stage *stage)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(folder_path(&stage->folder, "state.db"), &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 1000);
    return db;
}

void stage_sql(struct stage *stage, const char *sql)
{
    sqlite3 *db = open_beside(stage);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sqlite3_errmsg(db), sql);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

int64_t stage_number(struct stage *stage, const char *sql)
{
    sqlite3 *db = open_beside(stage);
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return number;
}

void stage_save(struct stage *stage, int64_t position)
{
    struct state_progress progress = {.places[ORIGIN_TABLE] = {.position = position, .mark = "mark"}};
    assert_int_equal(stage->state->ops->save(stage->state->self, &progress, &stage->err), 0);
}

int64_t stage_saved(struct stage *stage)
{
    struct state_progress progress;
    assert_int_equal(stage->state->ops->load(stage->state->self, &progress, &stage->err), 0);
    return progress.places[ORIGIN_TABLE].position;
}

int stage_bury(struct stage *stage, enum origin origin, int64_t position, const char *signal_id, const char *sha256,
               const char *json)
{
    struct dead_letter letter = {.origin = origin,
                                 .position = position,
                                 .signal_id = signal_id,
                                 .sha256 = sha256,
                                 .symbol = "AAPL",
                                 .action = "BUY",
                                 .reason = "hash_mismatch",
                                 .detail = "it does not match",
                                 .json = json,
                                 .created_us = 1000000 + position};
    return stage->state->ops->bury(stage->state->self, &letter, &stage->err);
}

static bool note_letter(void *self, const struct dead_letter *letter)
{
    struct stage *stage = self;
    assert_true(stage->letters < LETTERS_SEEN_MAX);
    int i = stage->letters++;
    stage->seen[i].id = letter->id;
    stage->seen[i].origin = letter->origin;
    stage->seen[i].position = letter->position;
    stage->seen[i].retry = letter->retry;
    (void)snprintf(stage->seen[i].signal_id, sizeof stage->seen[i].signal_id, "%s", letter->signal_id);
    (void)snprintf(stage->seen[i].sha256, sizeof stage->seen[i].sha256, "%s", letter->sha256);
    (void)snprintf(stage->seen[i].reason, sizeof stage->seen[i].reason, "%s", letter->reason);
    (void)snprintf(stage->seen[i].json, sizeof stage->seen[i].json, "%s", letter->json);
    return true;
}

void stage_see(struct stage *stage)
{
    stage->letters = 0;
    assert_int_equal(state_letters_each(stage->state, &(struct dead_selection){0}, note_letter, stage, &stage->err),
                     0);
}

void stage_see_retries(struct stage *stage)
{
    stage->letters = 0;
    assert_int_equal(stage->state->ops->each_retry(stage->state->self, note_letter, stage, &stage->err), 0);
}
