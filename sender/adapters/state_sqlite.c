/* state_sqlite: fills the state seam; places and counters are here, the rest in state_letters and state_ledger. */
#include "adapters/state_sqlite.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/state_lock.h"
#include "adapters/state_parts.h"
#include "base/file.h"

static void read_place(sqlite3_stmt *statement, int column, struct place *place)
{
    place->position = sqlite3_column_int64(statement, column);
    (void)snprintf(place->mark, sizeof place->mark, "%s", state_db_text(statement, column + 1));
}

static int state_load(void *self, struct state_progress *progress, struct err *err)
{
    struct state_sqlite *sqlite = self;
    *progress = (struct state_progress){0};
    sqlite3_stmt *statement = state_db_prepare(
        &sqlite->db, err, "SELECT position, mark, log_position, log_mark, delivered, last_success_us FROM progress",
        "");
    int found = statement ? state_db_step(&sqlite->db, statement, err) : -1;
    if (found <= 0)
        return found;
    read_place(statement, 0, &progress->places[ORIGIN_TABLE]);
    read_place(statement, 2, &progress->places[ORIGIN_LOG]);
    progress->delivered = sqlite3_column_int64(statement, 4);
    progress->last_success_us = sqlite3_column_int64(statement, 5);
    state_db_end(statement);
    return 0;
}

int state_sqlite_hold_directory(struct state_sqlite *sqlite, struct err *err)
{
    pid_t ignored;
    if (!sqlite->db.own || (sqlite->lock_fd >= 0 && state_lock_is_in_place(sqlite->directory, sqlite->lock_fd)))
        return 0;
    state_db_close(&sqlite->db);
    if (sqlite->lock_fd >= 0)
        (void)close(sqlite->lock_fd);
    sqlite->lock_fd = -1;
    if (file_make_directory(sqlite->directory, 0700, err))
        return -1;
    sqlite->lock_fd = state_lock_take(sqlite->directory, &ignored, err);
    if (sqlite->lock_fd < 0)
        return -1;
    return err_set(err, "%s was removed while it was in use; it is made anew", sqlite->directory);
}

static int state_save(void *self, const struct state_progress *progress, struct err *err)
{
    struct state_sqlite *sqlite = self;
    const struct place *row = &progress->places[ORIGIN_TABLE];
    const struct place *line = &progress->places[ORIGIN_LOG];
    if (state_sqlite_hold_directory(sqlite, err) || state_db_begin(&sqlite->db, err) ||
        state_ledger_prune(sqlite, row, err))
        return -1;
    if (state_db_run(
            &sqlite->db,
            state_db_prepare(&sqlite->db, err,
                             "INSERT OR REPLACE INTO progress (one, position, mark, log_position, log_mark,"
                             " delivered, last_success_us) VALUES (1, ?, ?, ?, ?, ?, ?)",
                             "isisii", row->position, row->mark, line->position, line->mark, progress->delivered,
                             progress->last_success_us),
            err))
        return -1;
    return state_db_commit(&sqlite->db, err);
}

int state_sqlite_each_sent(struct state *state, state_sent_visit *visit, void *visitor, struct err *err)
{
    struct state_sqlite *sqlite = state->self;
    sqlite3_stmt *statement = state_db_prepare(&sqlite->db, err, "SELECT signal_id FROM sent", "");
    int status = statement ? 1 : -1;
    while (status > 0 && (status = state_db_step(&sqlite->db, statement, err)) > 0)
        if (!visit(visitor, state_db_text(statement, 0))) {
            state_db_end(statement);
            return 0;
        }
    return status;
}

/* --- life -------------------------------------------------------------------------------------------------- */

static const struct state_ops ops = {
    .load = state_load,
    .save = state_save,
    .bury = state_letters_bury,
    .remove = state_letters_remove,
    .remove_delivered = state_letters_remove_delivered,
    .each_retry = state_letters_each_retry,
    .note_sent = state_ledger_note_sent,
    .find_sent = state_ledger_find_sent,
    .show_sent = state_ledger_show_sent,
    .clear_sent = state_ledger_clear_sent,
    .add_tally = state_ledger_add_tally,
    .find_tally = state_ledger_find_tally,
    .clear_tallies = state_ledger_clear_tallies,
};

bool state_sqlite_exists(const char *directory)
{
    char path[PATH_MAX];
    return snprintf(path, sizeof path, "%s/state.db", directory) < (int)sizeof path && !access(path, F_OK);
}

static int take_directory(struct state_sqlite *sqlite, struct err *err)
{
    pid_t ignored;
    if (file_make_directory(sqlite->directory, 0700, err))
        return -1;
    sqlite->lock_fd = state_lock_take(sqlite->directory, &ignored, err);
    return sqlite->lock_fd < 0 ? -1 : 0;
}

struct state *state_sqlite_open(const struct state_options *options, struct err *err)
{
    struct state_sqlite *sqlite = calloc(1, sizeof *sqlite);
    if (!sqlite) {
        err_set(err, "out of memory");
        return NULL;
    }
    sqlite->state = (struct state){true, &ops, sqlite};
    sqlite->lock_fd = -1;
    sqlite->letters_max = options->letters_max;
    sqlite->directory = strdup(options->directory);
    if (!sqlite->directory) {
        err_set(err, "out of memory");
        goto failed;
    }
    sqlite->db = (struct state_db){.directory = sqlite->directory,
                                   .own = options->access == STATE_OWN,
                                   .read_only = options->access == STATE_READ,
                                   .damaged = options->damaged,
                                   .context = options->context};
    if (options->access == STATE_OWN && take_directory(sqlite, err))
        goto failed;
    if (state_db_open(&sqlite->db, err))
        goto failed;
    return &sqlite->state;
failed:
    state_sqlite_close(&sqlite->state);
    return NULL;
}

void state_sqlite_close(struct state *state)
{
    if (!state)
        return;
    struct state_sqlite *sqlite = state->self;
    state_db_close(&sqlite->db);
    if (sqlite->lock_fd >= 0)
        (void)close(sqlite->lock_fd);
    free(sqlite->directory);
    free(sqlite);
}
