/* argo: see argo.h. */
#include "commands/argo.h"

#include <stdio.h>

#include "adapters/source_log.h"
#include "adapters/source_sqlite.h"
#include "adapters/state_sqlite.h"

static void say_damaged(void *context, const char *moved_to)
{
    struct log *log = context;
    log_write(log, LOG_ERROR, LOG_PLAIN, "The state is damaged and was moved aside to %s", moved_to);
    log_write(log, LOG_ERROR, LOG_PLAIN,
              "Starting afresh, from the beginning of Argo's files: the receiver drops what it has; "
              "dead letters are in the file that was moved aside");
}

struct source *argo_open_log(const struct sender_settings *settings, struct argo_log_paths *paths)
{
    struct log_files_shut shut = {{settings->database, paths->state, paths->lock}};
    (void)snprintf(paths->state, sizeof paths->state, "%s/state.db", settings->state_directory);
    (void)snprintf(paths->lock, sizeof paths->lock, "%s/lock", settings->state_directory);
    return source_log_new(settings->log_file, &shut);
}

int argo_open(struct argo *argo, const struct invocation *invocation, int busy_limit_ms, struct err *err)
{
    const struct sender_settings *settings = invocation->values;
    struct state_options options = {.directory = settings->state_directory,
                                    .access = STATE_OWN,
                                    .letters_max = settings->letters_max,
                                    .damaged = say_damaged,
                                    .context = invocation->log};
    *argo = (struct argo){0};
    argo->state = state_sqlite_open(&options, err);
    if (!argo->state)
        return -1;
    argo->table = source_sqlite_new(settings->database, busy_limit_ms);
    argo->log = settings->log_file ? argo_open_log(settings, &argo->paths) : NULL;
    if (argo->table && (argo->log || !settings->log_file))
        return 0;
    return err_set(err, "out of memory");
}

void argo_close(struct argo *argo)
{
    source_log_free(argo->log);
    source_sqlite_free(argo->table);
    state_sqlite_close(argo->state);
}

struct delivery_ends argo_ends(const struct argo *argo)
{
    return (struct delivery_ends){
        .rows = argo->table, .table = source_sqlite_table(argo->table), .lines = argo->log, .state = argo->state};
}
