/* pending: see pending.h. */
#include "commands/pending.h"

#include <stdlib.h>

#include "adapters/source_log.h"
#include "adapters/source_sqlite.h"
#include "adapters/state_sqlite.h"
#include "commands/argo.h"
#include "engine/outgoing.h"
#include "format/timestamp.h"

struct count {
    struct pending pending;
    struct state *state;
    const struct table *table;
    struct place row; /* the table's */
};

static void note_time(struct count *count, const struct source_item *item)
{
    size_t len;
    int64_t time_us;
    const char *text = signal_text(item->signal, FIELD_TIMESTAMP, &len);
    if (timestamp_parse(text, len, &time_us))
        return;
    if (!count->pending.oldest_us || time_us < count->pending.oldest_us)
        count->pending.oldest_us = time_us;
}

/* --- the table --------------------------------------------------------------------------------------------- */

static bool is_sent(struct count *count, const struct source_item *item)
{
    char ignored_hash[DIGEST_HEX_LEN + 1];
    struct err ignored;
    const char *id = signal_text(item->signal, FIELD_SIGNAL_ID, NULL);
    const struct state *state = count->state;
    return state && state->ops->find_sent(state->self, id, ignored_hash, &ignored) > 0;
}

static bool take_first_row(void *self, const struct source_item *item)
{
    struct count *count = self;
    if (is_sent(count, item))
        return true;
    note_time(count, item);
    return false;
}

static bool subtract_sent(void *self, const char *signal_id)
{
    struct count *count = self;
    char ignored[DIGEST_HEX_LEN + 1];
    int64_t position;
    bool found = count->table->ops->find(count->table->self, signal_id, &position, ignored);
    if (found && (place_is_start(&count->row) || position > count->row.position))
        count->pending.count--;
    return true;
}

static void count_rows(struct count *count, struct source *source)
{
    struct err ignored;
    /* Read first: a table that was replaced is sent from its beginning. */
    if (source->ops->read(source->self, &count->row, take_first_row, count, &ignored) == SOURCE_REPLACED) {
        count->row = (struct place){0};
        (void)source->ops->read(source->self, &count->row, take_first_row, count, &ignored);
    }
    count->pending.count = source->ops->count_after(source->self, &count->row);
    if (count->pending.count > 0 && count->state)
        (void)!state_sqlite_each_sent(count->state, subtract_sent, count, &ignored);
}

/* --- the log ----------------------------------------------------------------------------------------------- */

static bool take_line(void *self, const struct source_item *item)
{
    struct count *count = self;
    char ignored[DIGEST_HEX_LEN + 1];
    int64_t position;
    const char *id = signal_text(item->signal, FIELD_SIGNAL_ID, NULL);
    if (item->fault || outgoing_is_neutral(item->signal) ||
        count->table->ops->find(count->table->self, id, &position, ignored))
        return true;
    count->pending.count++;
    note_time(count, item);
    return true;
}

static void count_lines(struct count *count, const struct sender_settings *settings, const struct place *after)
{
    struct err ignored;
    struct argo_log_paths paths;
    struct source *source = argo_open_log(settings, &paths);
    bool known = source && count->pending.count >= 0;
    if (known && source->ops->read(source->self, after, take_line, count, &ignored) == SOURCE_REPLACED)
        (void)source->ops->read(source->self, &(struct place){0}, take_line, count, &ignored);
    source_log_free(source);
}

struct pending pending_count(const struct sender_settings *settings, struct state *state,
                             const struct state_progress *progress)
{
    struct source *source = source_sqlite_new(settings->database, SOURCE_SQLITE_BUSY_COMMAND_MS);
    struct count count = {.pending.count = -1, .state = state, .row = progress->places[ORIGIN_TABLE]};
    if (!source)
        return count.pending;
    count.table = source_sqlite_table(source);
    count_rows(&count, source);
    if (settings->log_file)
        count_lines(&count, settings, &progress->places[ORIGIN_LOG]);
    source_sqlite_free(source);
    return count.pending;
}
