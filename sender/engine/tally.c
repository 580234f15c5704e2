/* tally: the sum of a hash of each row. */
#include "engine/tally.h"

#include <string.h>

/* FNV-1a, 64 bits: nobody attacks it, and a clash hides a row only if a whole block's sum clashes. */
#define FNV_START 14695981039346656037ULL
#define FNV_PRIME 1099511628211ULL

static uint64_t mix(uint64_t hash, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * FNV_PRIME;
    return hash;
}

int64_t tally_block(int64_t position)
{
    int64_t block = position / TALLY_BLOCK_ROWS;
    return position % TALLY_BLOCK_ROWS < 0 ? block - 1 : block;
}

int64_t tally_first(int64_t block)
{
    return block * TALLY_BLOCK_ROWS;
}

int64_t tally_last(int64_t block)
{
    return block * TALLY_BLOCK_ROWS + (TALLY_BLOCK_ROWS - 1);
}

void tally_add(struct state_tally *tally, const struct table_row *row)
{
    uint64_t hash = mix(FNV_START, (const char *)&row->position, sizeof row->position);
    hash = mix(hash, row->signal_id, strlen(row->signal_id) + 1); /* with its end, so that the texts stay apart */
    tally->sum += mix(hash, row->sha256, strlen(row->sha256));
    tally->rows++;
}

bool tally_equal(const struct state_tally *a, const struct state_tally *b)
{
    return a->rows == b->rows && a->sum == b->sum;
}
