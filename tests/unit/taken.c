/* taken: see taken.h. */
#include "taken.h"

#include <stdio.h>
#include <string.h>

#include "support.h"

bool taken_note(void *self, const struct source_item *item)
{
    struct taken *taken = self;
    size_t used = strlen(taken->ids);
    if (taken->limit && taken->count == taken->limit)
        return false;
    if (item->fault) {
        taken->faults++;
        (void)snprintf(taken->text, sizeof taken->text, "%s", item->text ? item->text : "");
        (void)snprintf(taken->reason, sizeof taken->reason, "%s", item->err->message);
    }
    (void)snprintf(taken->ids + used, sizeof taken->ids - used, "%s ",
                   item->fault ? "!" : signal_text(item->signal, FIELD_SIGNAL_ID, NULL));
    if (taken->count < (int)COUNT(taken->places))
        taken->places[taken->count] = item->place;
    taken->count++;
    return true;
}

enum source_status read_some(const struct source *source, struct place *place, int limit, const char *ids)
{
    struct taken taken = {.limit = limit};
    struct err err = {0};
    enum source_status status = source->ops->read(source->self, place, taken_note, &taken, &err);
    if (strcmp(taken.ids, ids) != 0)
        fail_msg("read \"%s\" instead of \"%s\" (status %d: %s)", taken.ids, ids, (int)status, err.message);
    assert_true(taken.count <= (int)COUNT(taken.places));
    if (taken.count)
        *place = taken.places[taken.count - 1];
    return status;
}

enum source_status read_on(const struct source *source, struct place *place, const char *ids)
{
    return read_some(source, place, 0, ids);
}
