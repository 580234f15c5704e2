/* once: see once.h. */
#include "engine/once.h"

#include <string.h>

#include "engine/outgoing.h"

static void alarm_about(const struct once *once, const char *signal_id, const char *here, const char *there)
{
    log_write_limited(
        once->log, LOG_ERROR,
        LOG_WITH(LOG_STR("signal_id", signal_id), LOG_STR("sha256", here), LOG_STR("other_sha256", there)),
        "Alarm: signal %s has another hash in the log than in the table", signal_id);
}

static bool is_read(const struct place *read, int64_t position)
{
    return !place_is_start(read) && position <= read->position;
}

enum intake_choice once_for_line(void *self, const struct source_item *item)
{
    const struct once *once = self;
    char hash[DIGEST_HEX_LEN + 1];
    char other[DIGEST_HEX_LEN + 1];
    int64_t position;
    const char *id = signal_text(item->signal, FIELD_SIGNAL_ID, NULL);
    (void)outgoing_hash(item->signal, hash);
    if (journal_find_sent(once->journal, id, other) && !strcmp(hash, other))
        return INTAKE_SKIP; /* the log is read once more */
    if (!once->table->ops->find(once->table->self, id, &position, other))
        return INTAKE_SEND;
    if (strcmp(hash, other) != 0) {
        alarm_about(once, id, hash, other);
        return INTAKE_SEND;
    }
    return is_read(&once->rows->intake.read, position) ? INTAKE_SKIP : INTAKE_SEND;
}

/* A signal that failed so often may be the trouble itself; others must not wait for it. */
enum { PATIENCE = 3 };

static bool is_stuck(const struct batch *batch)
{
    return batch->doomed || (batch->postponed && batch->stumble.failures >= PATIENCE);
}

/* Is it on its way from the log? What is stuck there is not waited for. */
static bool is_under_way(const struct outstanding *list, const char *signal_id)
{
    for (const struct batch *batch = list->first; batch; batch = batch->next)
        for (size_t i = 0; !is_stuck(batch) && i < batch->count; i++)
            if (!strcmp(batch->items[i].signal_id, signal_id))
                return true;
    return false;
}

enum intake_choice once_for_row(void *self, const struct source_item *item)
{
    const struct once *once = self;
    char hash[DIGEST_HEX_LEN + 1];
    char other[DIGEST_HEX_LEN + 1];
    const char *id = signal_text(item->signal, FIELD_SIGNAL_ID, NULL);
    if (journal_find_sent(once->journal, id, other)) {
        if (strcmp(outgoing_hash(item->signal, hash), other) != 0) {
            alarm_about(once, id, other, hash);
            return INTAKE_SEND;
        }
        journal_sent_is_shown(once->journal, id, item->place.position);
        return INTAKE_SKIP;
    }
    if (!once->lines->intake.at_end || is_under_way(&once->lines->list, id))
        return INTAKE_WAIT;
    return INTAKE_SEND;
}
