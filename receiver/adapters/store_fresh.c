/* store_fresh: two sorts, one by hash and one by signal_id, so that what repeats stands side by side. */
#include "adapters/store_fresh.h"

#include <stdlib.h>
#include <string.h>

struct place {
    const struct store_row *row;
    size_t position;
    bool repeated;
};

static int compare_positions(const struct place *a, const struct place *b)
{
    return (a->position > b->position) - (a->position < b->position);
}

static int compare_hashes(const void *left, const void *right)
{
    const struct place *a = left;
    const struct place *b = right;
    int order = memcmp(a->row->signal->sha256, b->row->signal->sha256, DIGEST_HEX_LEN);
    return order ? order : compare_positions(a, b);
}

static int compare_ids(const void *left, const void *right)
{
    const struct place *a = left;
    const struct place *b = right;
    int order = strcmp(signal_text(a->row->signal, FIELD_SIGNAL_ID, NULL),
                       signal_text(b->row->signal, FIELD_SIGNAL_ID, NULL));
    return order ? order : compare_positions(a, b);
}

static int in_order(const void *left, const void *right)
{
    return compare_positions(left, right);
}

static void mark_hashes(struct place *places, size_t count)
{
    qsort(places, count, sizeof *places, compare_hashes);
    for (size_t i = 1; i < count; i++)
        places[i].repeated |=
            !memcmp(places[i].row->signal->sha256, places[i - 1].row->signal->sha256, DIGEST_HEX_LEN);
}

static void mark_ids(struct place *places, size_t count)
{
    qsort(places, count, sizeof *places, compare_ids);
    for (size_t i = 1; i < count; i++)
        places[i].repeated |= !strcmp(signal_text(places[i].row->signal, FIELD_SIGNAL_ID, NULL),
                                      signal_text(places[i - 1].row->signal, FIELD_SIGNAL_ID, NULL));
}

int store_fresh_pick(struct store_row **rows, size_t count, struct store_row **fresh, size_t *fresh_count)
{
    struct place *places = malloc((count ? count : 1) * sizeof *places);
    size_t unknown = 0;
    *fresh_count = 0;
    if (!places)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (rows[i]->verdict == STORE_UNKNOWN)
            places[unknown++] = (struct place){.row = rows[i], .position = i};
    mark_hashes(places, unknown);
    mark_ids(places, unknown);
    qsort(places, unknown, sizeof *places, in_order);
    for (size_t i = 0; i < unknown; i++)
        if (!places[i].repeated)
            fresh[(*fresh_count)++] = rows[places[i].position];
    free(places);
    return 0;
}
