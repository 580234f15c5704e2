/* pending: see pending.h. */
#include "commands/pending.h"

#include <stdlib.h>

#include "adapters/source_log.h"
#include "adapters/source_sqlite.h"
#include "adapters/state_sqlite.h"
#include "commands/argo.h"
#include "engine/outgoing.h"
#include "format/timestamp.h"

/* How many rows, lines or notes of what was sent a loop looks at one by one. */
enum { LOOKS_MAX = 5000 };

struct count {
    struct pending pending;
    struct state *state;
    const struct table *table;
    struct place row;                /* the table's */
    const struct delivery *delivery; /* NULL: asked from outside, where there is time */
    int looks;
};

static bool has_time(struct count *count)
{
    return !count->delivery || count->looks++ < LOOKS_MAX;
}

static void note_time(struct count *count, const struct source_item *item)
{
    size_t len;
    int64_t time_us;
    const char *text = signal_text(item->signal, FIELD_TIMESTAMP, &len);
    if (timestamp_parse(text, len, &time_us) || time_us <= 0)
        return; /* one that makes no sense is none */
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
        return has_time(count);
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
    return has_time(count);
}

/* What the running sender has read from the log is not waited for twice. */
static void subtract_what_was_sent(struct count *count)
{
    struct err ignored;
    if (count->state)
        (void)!state_sqlite_each_sent(count->state, subtract_sent, count, &ignored);
    if (count->delivery)
        backlog_each_line(count->delivery, subtract_sent, count);
}

static void count_rows(struct count *count, struct source *source)
{
    struct err ignored;
    /* Read first: a table that was replaced is sent from its beginning. */
    if (source->ops->read(source->self, &count->row, take_first_row, count, &ignored) == SOURCE_REPLACED) {
        count->row = (struct place){0};
        (void)source->ops->read(source->self, &count->row, take_first_row, count, &ignored);
    }
    count->pending.count = count->delivery ? source_sqlite_estimate_after(source, &count->row)
                                           : source->ops->count_after(source->self, &count->row);
    if (count->pending.count > 0)
        subtract_what_was_sent(count);
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
        return has_time(count);
    count->pending.count++;
    note_time(count, item);
    return has_time(count);
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

static void count_all(struct count *count, const struct sender_settings *settings, int busy_limit_ms,
                      const struct place *line)
{
    struct source *source = source_sqlite_new(settings->database, busy_limit_ms);
    if (!source)
        return;
    count->table = source_sqlite_table(source);
    count_rows(count, source);
    if (settings->log_file)
        count_lines(count, settings, line);
    source_sqlite_free(source);
}

struct pending pending_count(const struct sender_settings *settings, struct state *state,
                             const struct state_progress *progress)
{
    struct count count = {.pending.count = -1, .state = state, .row = progress->places[ORIGIN_TABLE]};
    count_all(&count, settings, SOURCE_SQLITE_BUSY_COMMAND_MS, &progress->places[ORIGIN_LOG]);
    return count.pending;
}

struct pending pending_unread(const struct sender_settings *settings, struct state *state,
                              const struct delivery *delivery)
{
    struct backlog backlog;
    backlog_look(delivery, &backlog);
    if (backlog.at_end)
        return (struct pending){0};
    struct count count = {
        .pending.count = -1, .state = state, .row = backlog.read[ORIGIN_TABLE], .delivery = delivery};
    count_all(&count, settings, SOURCE_SQLITE_BUSY_LOOP_MS, &backlog.read[ORIGIN_LOG]);
    return count.pending;
}
